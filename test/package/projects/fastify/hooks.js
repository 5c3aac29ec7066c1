import cookie from '@fastify/cookie'
import { Authenticator } from '@fastify/passport'
import session from '@fastify/session'
import Fastify from 'fastify'
import { requireLogin, returnTo, SessionTokens } from 'passport-twilio'
import { strategy } from './strategy.js'

/** Connect's middleware as a hook of Fastify, which answers through the reply, so that the session is saved. */
function hook(middleware) {
  return (request, reply, done) => {
    const response = {
      set statusCode(status) {
        reply.code(status)
      },
      setHeader: (name, value) => reply.header(name, value),
      end: (body) => reply.send(body)
    }
    middleware(request, response, done)
  }
}

const tokens = new SessionTokens(strategy)
const passport = new Authenticator()
passport.use(strategy)
passport.registerUserSerializer(async (user) => user)
passport.registerUserDeserializer(async (user) => user)

const app = Fastify()
await app.register(cookie)
await app.register(session, { secret: process.env.SESSION_SECRET, saveUninitialized: false, cookie: { secure: 'auto' } })
await app.register(passport.initialize())
await app.register(passport.secureSession())

app.get('/auth/twilio', passport.authenticate('twilio'))
app.get('/auth/twilio/callback', { preValidation: [passport.authenticate('twilio'), hook(tokens.keep())] }, async (request, reply) => {
  return reply.redirect(returnTo(request, '/account'))
})
app.get('/account', { preValidation: [hook(requireLogin({ loginPath: '/auth/twilio' })), hook(tokens.fresh())] }, async (request) => {
  return { id: request.user.id, expiresAt: request.twilioTokens.expiresAt }
})

await app.listen({ port: Number(process.env.PORT) })
