import { Router, type RequestHandler } from 'express'
import passport from 'passport'
import { returnTo, SessionTokens, TwilioStrategy, type Refreshes, type TwilioProfile } from 'passport-twilio'
import { NoProfileError } from './errors.ts'
import { rememberStory } from './story.ts'
import type { Twilio } from './twilio.ts'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how Passport's user gets its type
  namespace Express {
    interface User {
      id: string
      /** Missing where Twilio tells SIDs only. */
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

/** "Log in with Twilio": the strategy, the tokens it brings, and the two routes. */
export function login({ twilio, apiVersion, callbackURL, secret, refreshes }: LoginOptions) {
  const { clientID, clientSecret, baseURL, sandbox } = twilio
  const strategy = new TwilioStrategy(
    {
      clientID,
      clientSecret,
      baseURL,
      callbackURL,
      apiVersion,
      // The sandbox tells who somebody is in an ID token; Twilio gives one to the apps that may ask for openid.
      scope: sandbox ? ['openid', 'profile', 'email', 'offline_access'] : ['offline_access']
    },
    (_accessToken, _refreshToken, profile, done) => {
      if (profile) done(null, userOf(profile))
      else done(new NoProfileError())
    }
  )
  const tokens = new SessionTokens(strategy, { secret, refreshes })

  passport.use(strategy)
  // A real app would keep its users in a database, and only their IDs in the session.
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))

  const begin = passport.authenticate('twilio') as RequestHandler
  const finish = passport.authenticate('twilio', { failureRedirect: '/?login=denied' }) as RequestHandler
  const routes = Router()
  routes.get('/', begin)
  routes.get('/callback', finish, tokens.keep(), rememberStory(twilio, apiVersion), (req, res) => {
    res.redirect(returnTo(req, '/account'))
  })
  return { tokens, routes }
}

function userOf({ id, displayName, emails, accountSid }: TwilioProfile): Express.User {
  return { id, displayName: displayName === id ? undefined : displayName, email: emails?.[0]?.value, accountSid }
}
