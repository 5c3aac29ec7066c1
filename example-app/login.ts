import { Router, type RequestHandler } from 'express'
import passport from 'passport'
import { returnTo, SessionTokens, TwilioStrategy, type TwilioProfile } from 'passport-twilio'
import type { AppOptions } from './app.ts'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- how Passport's user gets its type
  namespace Express {
    interface User {
      id: string
      displayName: string
      email: string | undefined
      accountSid: string | undefined
    }
  }
}

/** "Log in with Twilio": the strategy, the tokens it brings, and the two routes. */
export function login({ config, baseURL, sandbox }: AppOptions) {
  const strategy = new TwilioStrategy(
    {
      ...credentials({ config, sandbox }),
      callbackURL: `${baseURL}/auth/twilio/callback`,
      apiVersion: config.apiVersion,
      // The sandbox tells who somebody is in an ID token; Twilio gives one to the apps that may ask for openid.
      scope: sandbox ? ['openid', 'profile', 'email', 'offline_access'] : ['offline_access']
    },
    (_accessToken, _refreshToken, profile, done) => {
      if (profile) done(null, userOf(profile))
      else done(null, false, { message: 'Twilio did not say who you are.' })
    }
  )
  const tokens = new SessionTokens(strategy, { secret: config.sessionSecret })

  // A real app would keep its users in a database, and only their IDs in the session.
  passport.serializeUser((user, done) => done(null, user))
  passport.deserializeUser((user: Express.User, done) => done(null, user))

  const routes = Router()
  const begin = passport.authenticate('twilio') as RequestHandler
  const finish = passport.authenticate('twilio', { failureRedirect: '/?login=denied' }) as RequestHandler
  routes.get('/', begin)
  routes.get('/callback', finish, tokens.keep(), (req, res) => {
    res.redirect(returnTo(req, '/account'))
  })
  return { strategy, tokens, routes }
}

function credentials({ config, sandbox }: Pick<AppOptions, 'config' | 'sandbox'>) {
  if (config.credentials) return config.credentials
  if (!sandbox) throw new Error('There are neither credentials for Twilio nor a sandbox.')
  return { clientID: sandbox.clientID, clientSecret: sandbox.clientSecret, baseURL: sandbox.url, apiBaseURL: sandbox.apiURL }
}

function userOf({ id, displayName, emails, accountSid }: TwilioProfile): Express.User {
  return { id, displayName, email: emails?.[0]?.value, accountSid }
}
