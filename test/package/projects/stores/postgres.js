import connectPgSimple from 'connect-pg-simple'
import session from 'express-session'
import { postgresRefreshes } from 'passport-twilio'
import pg from 'pg'
import { serve } from './app.js'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const PgSession = connectPgSimple(session)

serve(new PgSession({ pool, createTableIfMissing: true }), postgresRefreshes(pool, { createTableIfMissing: true }))
