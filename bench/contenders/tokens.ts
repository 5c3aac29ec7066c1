import type { RequestHandler } from 'express'
import { CLIENT_ID } from './contender.ts'

/** What apps do by hand with a library that leaves the tokens to them. */

export interface TokenResponse {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token: string
  readonly expires_in: number
}

/** The tokens in a session. */
export type KeptTokens = TokenResponse & {
  /** In epoch ms. */
  readonly expiresAt: number
}

declare module 'express-session' {
  interface SessionData {
    tokens?: KeptTokens
    user?: unknown
  }
}

export function kept(response: TokenResponse): KeptTokens {
  return { ...response, expiresAt: Date.now() + response.expires_in * 1000 }
}

/** The user in an ID token for this app that has not expired. */
export function userIn(idToken: string): { id: string } | undefined {
  const { sub, aud, exp } = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as { sub: string; aud: string; exp: number }
  return aud === CLIENT_ID && exp * 1000 > Date.now() ? { id: sub } : undefined
}

/** Refreshes the tokens in the session if they have expired. */
export function refreshed(refresh: (refreshToken: string) => Promise<TokenResponse>): RequestHandler {
  return (req, _res, next) => {
    const { tokens } = req.session
    if (!tokens || tokens.expiresAt > Date.now()) {
      next()
      return
    }
    refresh(tokens.refresh_token).then((response) => {
      req.session.tokens = kept(response)
      next()
    }, next)
  }
}
