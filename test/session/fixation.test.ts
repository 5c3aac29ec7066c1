import assert from 'node:assert/strict'
import express, { type RequestHandler } from 'express'
import session from 'express-session'
import passport05 from 'passport-0.5'
import { SessionTokens, TwilioStrategy } from '../../lib'
import { CALLBACK_URL, jsonOf, Visitor, withSandbox } from '../support/login-app'

/** An app on Passport 0.5, which logs people in on the session that they came with. */
function oldApp({ clientID, clientSecret, url: baseURL }: { clientID: string; clientSecret: string; url: string }, step: 'authenticate' | 'authorize', { withSerializer = false, givesCurrentUser = false } = {}) {
  const authenticator = new passport05.Passport()
  const strategy = new TwilioStrategy({ clientID, clientSecret, baseURL, callbackURL: CALLBACK_URL, passReqToCallback: true }, (req, _accessToken, _refreshToken, profile, done) => done(null, givesCurrentUser ? req.user : { id: profile?.id }))
  const tokens = new SessionTokens(strategy)
  authenticator.use(strategy)
  if (withSerializer) authenticator.serializeUser(tokens.serializer() as never)
  authenticator.serializeUser((user, done) => done(null, user))
  authenticator.deserializeUser((user: Express.User, done) => done(null, user))
  const app = express()
  app.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }), authenticator.initialize(), authenticator.session() as RequestHandler)
  app.get('/auth/twilio', authenticator[step]('twilio') as RequestHandler)
  app.get('/auth/twilio/callback', authenticator[step]('twilio') as RequestHandler, tokens.keep(), (req, res) => res.json({ isKept: req.twilioTokens !== undefined }))
  app.get('/log-in-otherwise', (req, res, next) => req.logIn({ id: 'somebody' }, (error: unknown) => (error ? next(error) : res.end())))
  app.get('/tokens', async (req, res) => void res.json({ isKept: (await tokens.of(req)) !== undefined }))
  app.get('/user', (req, res) => res.json(req.user ?? null))
  app.use(((error: Error, _req, res, _next) => res.status(500).json({ message: error.message })) as express.ErrorRequestHandler)
  return app
}

describe('tokens.keep() with a Passport that does not renew the session at login', () => {
  it('refuses the login, and says which Passport to use (session fixation)', async () => {
    await withSandbox({}, async (sandbox) => {
      const visitor = new Visitor(oldApp(sandbox, 'authenticate'), sandbox)
      const response = await visitor.tryToLogIn()
      assert.equal(response.status, 500)
      assert.equal((await visitor.get('/user')).body, null, 'nobody is logged in')
      assert.match(jsonOf<Error>(response).message, /^Passport has logged a person in without renewing the session.* Use Passport 0\.6 or later\.$/)
    })
  })

  it('leaves no tokens in the session that it refuses, even if serializer() has put them there', async () => {
    await withSandbox({}, async (sandbox) => {
      const visitor = new Visitor(oldApp(sandbox, 'authenticate', { withSerializer: true }), sandbox)
      assert.equal((await visitor.tryToLogIn()).status, 500)
      assert.deepEqual((await visitor.get('/tokens')).body, { isKept: false })
    })
  })
})

describe('tokens.keep() in a session that was not renewed', () => {
  it('refuses the tokens if nobody is logged in, as with passport.authorize() (session fixation)', async () => {
    await withSandbox({}, async (sandbox) => {
      const visitor = new Visitor(oldApp(sandbox, 'authorize'), sandbox)
      const response = await visitor.tryToLogIn()
      assert.equal(response.status, 500)
      assert.match(jsonOf<Error>(response).message, /^tokens\.keep\(\) found that nobody is logged in and the session was not renewed.*session fixation/)
      assert.deepEqual((await visitor.get('/tokens')).body, { isKept: false })
    })
  })

  it('keeps the tokens for a person who was logged in before, also if verify gives that same person', async () => {
    for (const givesCurrentUser of [false, true]) {
      await withSandbox({}, async (sandbox) => {
        const visitor = new Visitor(oldApp(sandbox, 'authorize', { givesCurrentUser }), sandbox)
        await visitor.get('/log-in-otherwise')
        assert.deepEqual((await visitor.logIn()).body, { isKept: true })
        assert.deepEqual((await visitor.get('/user')).body, { id: 'somebody' })
      })
    }
  })
})
