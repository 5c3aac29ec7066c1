import type { Request, RequestHandler } from 'express'
import passport from 'passport'
import type { UserSerializer } from 'passport-twilio'
import { useSession, type Setting } from './contender.ts'
import { kept, type TokenResponse } from './tokens.ts'

/** What all apps with Passport have in common. */

export function usePassport(setting: Setting, ...serializers: readonly UserSerializer[]): passport.Authenticator {
  const instance = new passport.Passport()
  for (const serializer of serializers) instance.serializeUser(serializer)
  instance.serializeUser((user, done) => done(null, user))
  instance.deserializeUser((user: Express.User, done) => done(null, user))
  useSession(setting)
  setting.app.use(instance.session() as RequestHandler)
  return instance
}

export const authenticated: RequestHandler = (req, res, next) => {
  if (req.isAuthenticated()) next()
  else res.status(401).end()
}

/** Keeps the tokens of a login in the session. */
export function keepTokens(tokensOf: (req: Request) => unknown): RequestHandler {
  return (req, res) => {
    req.session.tokens = kept(tokensOf(req) as TokenResponse)
    res.redirect('/account')
  }
}

export const logOut: RequestHandler = (req, _res, next) => {
  req.logout(next)
}
