import type { IncomingMessage } from 'node:http'
import { setupError } from '../errors'
import { finishedLoginOf } from '../request/finished-login'
import { peekSession } from '../request/session'

/** The error if the session was not renewed at the login, so an attacker who planted it would get the tokens. */
export function fixationIn(req: IncomingMessage): Error | undefined {
  const login = finishedLoginOf(req)
  const session = peekSession(req)
  if (!login || !session || session !== login.previousSession) return undefined
  const user = 'user' in req ? (req.user ?? undefined) : undefined
  const previousUser = login.previousUser ?? undefined
  if (user === undefined) return setupError("tokens.keep() found that nobody is logged in and the session was not renewed, so an attacker who planted the session would get the tokens (session fixation). Log the person in first: with passport.authenticate('twilio'), or with req.login() in a callback of your own. passport.authorize() needs a person who is already logged in.")
  if (user !== previousUser) return setupError('Passport has logged a person in without renewing the session, so an attacker who planted the session would be logged in too (session fixation). Leave out session: false at passport.authenticate(), if it is there. Use Passport 0.6 or later.')
  return undefined
}
