import { Router, type RequestHandler } from 'express'
import passport from 'passport'
import { returnTo, SessionTokens, TwilioStrategy, type Refreshes, type TwilioProfile } from 'passport-twilio'
import { NoProfileError } from './errors.ts'
import { rememberStory } from './story.ts'
import type { Twilio } from './twilio.ts'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- Passport's types define the user this way
  namespace Express {
    interface User {
      id: string
      /** `undefined` if Twilio only returns SIDs. */
      displayName: string | undefined
      email: string | undefined
      accountSid: string | undefined
    }
  }
}

export interface LoginOptions {
  twilio: Twilio
  apiVersion: 'v1' | 'v2'
  callbackURL: string
  /** Encrypts the tokens in the session. */
  secret: string | undefined
  refreshes: Refreshes | undefined
}

/** "Log in with Twilio": the strategy, its tokens, and the two login routes. */
export function login({ twilio, apiVersion, callbackURL, secret, refreshes }: LoginOptions) {
  const { clientID, clientSecret, baseURL, sandbox } = twilio
  const strategy = new TwilioStrategy(
    {
      clientID,
      clientSecret,
      baseURL,
      callbackURL,
      apiVersion,
      // With openid, the ID token says who the user is. The sandbox allows it; at Twilio, not every app may request it.
      scope: sandbox ? ['openid', 'profile', 'email', 'offline_access'] : ['offline_access']
    },
    (_accessToken, _refreshToken, profile, done) => {
      if (profile) done(null, userOf(profile))
      else done(new NoProfileError())
    }
  )
  const tokens = new SessionTokens(strategy, { secret, refreshes })

  passport.use(strategy)
  // The tokens are saved together with the login.
  passport.serializeUser(tokens.serializer())
  // A real app would keep its users in a database, and only their IDs in the session.
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))

  const redirectToTwilio = passport.authenticate('twilio') as RequestHandler
  const handleCallback = passport.authenticate('twilio', { failureRedirect: '/?login=denied' }) as RequestHandler
  const routes = Router()
  routes.get('/', redirectToTwilio)
  routes.get('/callback', handleCallback, tokens.keep(), rememberStory(twilio, apiVersion), (req, res) => {
    res.redirect(returnTo(req, '/account'))
  })
  return { tokens, routes }
}

function userOf({ id, displayName, emails, accountSid }: TwilioProfile): Express.User {
  return { id, displayName: displayName === id ? undefined : displayName, email: emails?.[0]?.value, accountSid }
}
