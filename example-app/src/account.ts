import type { RequestHandler } from 'express'
import type { TwilioTokens } from 'passport-twilio'
import { SESSION_LIFETIME } from './sessions.ts'

export interface AccountOptions {
  /** Whether the page offers to expire the token, which only a sandbox can do. */
  hasSandbox: boolean
}

/** The page about the user and their login. Needs `tokens.fresh()` before it. */
export function accountPage({ hasSandbox }: AccountOptions): RequestHandler {
  return (req, res) => {
    const { twilioTokens: tokens } = req
    res.render('account', {
      hasSandbox,
      isTechnical: 'technical' in req.query,
      // Each visit renews the session.
      loggedInUntil: new Date(Date.now() + SESSION_LIFETIME),
      token: tokens && lifetimeOf(tokens),
      claims: tokens ? describeClaims(tokens) : []
    })
  }
}

interface TokenLifetime {
  /** Epoch ms. */
  issuedAt: number | undefined
  /** Epoch ms. */
  expiresAt: number | undefined
  isRefreshable: boolean
}

function lifetimeOf({ claims, expiresAt, refreshToken }: TwilioTokens): TokenLifetime {
  return { issuedAt: typeof claims.iat === 'number' ? claims.iat * 1000 : undefined, expiresAt, isRefreshable: refreshToken !== undefined }
}

const CLAIMS: Record<string, { meaning: string; format?: (value: unknown) => string }> = {
  iss: { meaning: 'Issued by' },
  sub: { meaning: 'Subject' },
  act: { meaning: 'Acting party', format: (value) => formatValue((value as { sub?: unknown } | null)?.sub ?? value) },
  'urn:tw:iam_ctx': { meaning: 'Account' },
  'urn:tw:rgn': { meaning: 'Region' },
  aud: { meaning: 'Audience', format: (value) => [value].flat().map(formatValue).join(', ') },
  scope: { meaning: 'Scope' },
  iat: { meaning: 'Issued at', format: formatTime },
  nbf: { meaning: 'Valid from', format: formatTime },
  exp: { meaning: 'Valid until', format: formatTime },
  jti: { meaning: 'Token ID' }
}

function describeClaims({ claims }: TwilioTokens): { name: string; meaning: string; value: string }[] {
  return Object.entries(claims).map(([name, value]) => {
    const { meaning = 'Other claim', format = formatValue } = CLAIMS[name] ?? {}
    return { name, meaning, value: format(value) }
  })
}

function formatTime(value: unknown): string {
  return typeof value === 'number' ? new Date(value * 1000).toUTCString() : formatValue(value)
}

function formatValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
