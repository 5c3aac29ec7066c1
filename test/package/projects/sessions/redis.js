import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { redisRefreshes } from 'passport-twilio'
import { createClient } from 'redis'
import { addLogin } from './login.js'

const redis = await createClient({ url: process.env.REDIS_URL }).connect()

const app = express()
app.use(session({ store: new RedisStore({ client: redis }), secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false, cookie: { sameSite: 'lax' } }))
addLogin(app, { secret: process.env.TOKEN_SECRET, refreshes: redisRefreshes(redis) })

app.listen(process.env.PORT)
