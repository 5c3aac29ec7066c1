import { Router, type RequestHandler } from 'express'
import { Passport } from 'passport'
import { returnTo, SessionTokens, TwilioStrategy, type Refreshes, type TwilioProfile } from 'passport-twilio'
import { NoProfileError } from './errors.ts'
import { log } from './log.ts'
import { setNotice } from './notice.ts'
import { rememberStory } from './story.ts'
import type { Twilio } from './twilio.ts'
import { UserStoreError, type User as AppUser, type Users } from './users.ts'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- Passport's types define the user this way
  namespace Express {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- `req.user` is a user of this app
    interface User extends AppUser {}
  }
}

export interface LoginOptions {
  twilio: Twilio
  apiVersion: 'v1' | 'v2'
  callbackURL: string
  scope: string | undefined
  users: Users
  /** Encrypts the tokens in the session. */
  secret: string | undefined
  refreshes: Refreshes | undefined
}

/** With openid, the ID token says who the user is. The sandbox allows it; at Twilio, not every app may request it. */
const SANDBOX_SCOPE = 'openid profile email offline_access'
const TWILIO_SCOPE = 'offline_access'

/** "Log in with Twilio": the strategy, its tokens, and the two login routes. */
export function login({ twilio, apiVersion, callbackURL, scope, users, secret, refreshes }: LoginOptions) {
  const { clientID, clientSecret, baseURL, sandbox } = twilio
  const strategy = new TwilioStrategy(
    {
      clientID,
      clientSecret,
      baseURL,
      callbackURL,
      apiVersion,
      scope: scope ?? (sandbox ? SANDBOX_SCOPE : TWILIO_SCOPE)
    },
    (_accessToken, _refreshToken, profile, done) => {
      if (!profile) {
        done(new NoProfileError())
        return
      }
      const user = userOf(profile)
      users.save(user).then(() => done(null, user), (error: unknown) => done(new UserStoreError(error)))
    }
  )
  const tokens = new SessionTokens(strategy, { ...(secret === undefined ? {} : { secret }), refreshes, warn: (message, code) => log.warn({ code }, message) })

  const passport = new Passport()
  passport.use(strategy)
  // The tokens are saved together with the login.
  passport.serializeUser(tokens.serializer())
  passport.serializeUser((user, done) => done(null, user.id))
  passport.deserializeUser((id: string, done) => {
    // A user who is not in the database any more is logged out.
    users.find(id).then((user) => done(null, user ?? false), (error: unknown) => done(new UserStoreError(error)))
  })

  const redirectToTwilio = passport.authenticate('twilio') as RequestHandler
  const handleCallback = passport.authenticate('twilio', { failureRedirect: '/?login=denied' }) as RequestHandler
  const routes = Router()
  routes.get('/', redirectToTwilio)
  routes.get('/callback', handleCallback, tokens.keep(), rememberStory(twilio, apiVersion), (req, res) => {
    setNotice(req, 'success', 'You are logged in with Twilio.')
    res.redirect(returnTo(req, '/account'))
  })
  return { passport, tokens, routes }
}

/** What the app keeps about a user. A name is only kept if Twilio returns one: a SID is not a name. */
function userOf({ id, displayName, emails, accountSid, organizationSid }: TwilioProfile): AppUser {
  return { id, displayName: displayName === id ? undefined : displayName, email: emails?.[0]?.value, accountSid, organizationSid }
}
