import assert from 'node:assert/strict'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import session from 'express-session'
import passport from 'passport'
import request from 'supertest'
import { TwilioStrategy, type TwilioStrategyOptions, type Verify } from '../../lib'
import { withMessages } from '../support/diagnostics'
import { CALLBACK_URL } from '../support/login-app'
import { CLIENT_ID, CLIENT_SECRET, unsigned } from '../support/jwt'
import { json, TwilioServer } from '../support/twilio-server'

const TOKENS = { access_token: unsigned({ sub: 'trn:us1:iam:user:US1' }), token_type: 'bearer', expires_in: 3600 }
const giveUser: Verify = () => Promise.resolve({ id: 'US1' })
// eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what is tested
const rejectWithoutReason = () => Promise.reject()

/** What `next` doesn't take for an error, or takes for something else. */
const NO_ERRORS: readonly unknown[] = [undefined, null, false, 0, '', 'route', 'router']

describe("a function of the app that fails without an error", () => {
  let twilio: TwilioServer
  before(async () => {
    twilio = await TwilioServer.start(json(201, TOKENS))
  })
  after(() => twilio.stop())

  /** Logs in to an app that answers with the error, or with "reached" if the handlers behind the login run. */
  async function logIn({ verify = giveUser, options = {}, userProfile }: { verify?: Verify; options?: Partial<TwilioStrategyOptions>; userProfile?: TwilioStrategy['userProfile'] }): Promise<string> {
    const strategy = new TwilioStrategy({ clientID: CLIENT_ID, clientSecret: CLIENT_SECRET, callbackURL: CALLBACK_URL, baseURL: twilio.url, ...options }, verify)
    if (userProfile) strategy.userProfile = userProfile
    const authenticate = new passport.Passport().use(strategy).authenticate('twilio', { session: false }) as RequestHandler
    const reached: RequestHandler = (_req, res) => res.send('reached')
    const onError: ErrorRequestHandler = (error: Error & { code?: string }, _req, res, _next) => res.status(500).send(`${error.code}: ${error.message}`)
    const app = express().use(session({ secret: 's', resave: false, saveUninitialized: false })).get('/', authenticate, reached).get('/', reached).use(onError)
    const agent = request.agent(app)
    const begun = await agent.get('/')
    if (begun.status !== 302) return begun.text
    const state = new URL(String(begun.headers.location)).searchParams.get('State')
    return (await agent.get(`/?code=c&state=${state}`)).text
  }

  it('stops the login with an Error, and never lets the request through as if the person had logged in', async () => {
    for (const reason of NO_ERRORS) {
      const expected = new RegExp(`^ERR_TWILIO_SETUP: A function of the app, such as verify, failed with '?${String(reason)}'? instead of an Error\\.`)
       
      assert.match(await logIn({ verify: () => Promise.reject(reason) }), expected)
      const throwing: Verify = () => {
         
        throw reason
      }
      assert.match(await logIn({ verify: throwing }), expected)
    }
    assert.match(await logIn({ verify: (_accessToken, _refreshToken, _profile, done) => done('route') }), /^ERR_TWILIO_SETUP/)
  })

  it('stops the login with an Error that repeats what was thrown, so that the app can find its origin', async () => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what is tested
    assert.match(await logIn({ verify: () => Promise.reject('E_DB_4f7c21aa') }), /failed with 'E_DB_4f7c21aa' instead of an Error\./)
  })

  it('does so in userProfile, skipUserProfile and the state store too', async () => {
    const store = (_req: object, _metadata: object, done: (error: unknown, state: string) => void) => done(null, 'the-state')
    for (const setUp of [
      { userProfile: rejectWithoutReason },
      { options: { skipUserProfile: rejectWithoutReason } },
      { options: { store: { store: rejectWithoutReason, verify: rejectWithoutReason } } },
      { options: { store: { store, verify: rejectWithoutReason } } }
    ]) {
      assert.match(await logIn(setUp), /^ERR_TWILIO_SETUP: .* failed with undefined instead of an Error\./)
    }
  })

  it('is reported on the diagnostics channel as an Error', () =>
    withMessages(async (messages) => {
      await logIn({ verify: rejectWithoutReason })
      const [message] = messages['passport-twilio:login'].slice(-1)
      assert.deepEqual([message?.outcome, message?.error instanceof Error], ['failed', true])
    }))
})
