import cookieSession from 'cookie-session'
import express from 'express'
import { renewableCookieSession } from 'passport-twilio'
import { addLogin } from './login.js'

const app = express()
app.use(cookieSession({ secret: process.env.SESSION_SECRET, sameSite: 'lax' }), renewableCookieSession())
addLogin(app, { secret: process.env.TOKEN_SECRET })

app.listen(process.env.PORT)
