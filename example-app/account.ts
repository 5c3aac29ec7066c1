import type { RequestHandler } from 'express'
import type { TwilioTokens } from 'passport-twilio'
import { takeNotice } from './notice.ts'

export interface AccountOptions {
  /** Whether there is a sandbox that can be told to end tokens. */
  hasSandbox: boolean
}

/** Who is logged in, and what their token says. Goes behind `tokens.fresh()`. */
export function accountPage({ hasSandbox }: AccountOptions): RequestHandler {
  return (req, res) => {
    const { twilioTokens: tokens } = req
    res.render('account', { hasSandbox, notice: takeNotice(req), token: tokens && lifeOf(tokens), claims: tokens ? claimsInWords(tokens) : [] })
  }
}

interface TokenLife {
  issuedAt: number | undefined
  expiresAt: number | undefined
  isRefreshable: boolean
}

function lifeOf({ claims, expiresAt, refreshToken }: TwilioTokens): TokenLife {
  return { issuedAt: typeof claims.iat === 'number' ? claims.iat * 1000 : undefined, expiresAt, isRefreshable: refreshToken !== undefined }
}

/** What a claim means, and how to say its value. */
const CLAIMS: Record<string, { meaning: string; say?: (value: unknown) => string }> = {
  iss: { meaning: 'Issued by' },
  sub: { meaning: 'Is about' },
  act: { meaning: 'Acts for', say: (value) => sayPlainly((value as { sub?: unknown } | null)?.sub ?? value) },
  'urn:tw:iam_ctx': { meaning: 'In the account' },
  'urn:tw:rgn': { meaning: 'In the region' },
  aud: { meaning: 'Is meant for', say: (value) => [value].flat().map(sayPlainly).join(', ') },
  scope: { meaning: 'May do' },
  iat: { meaning: 'Issued at', say: sayTime },
  nbf: { meaning: 'Valid from', say: sayTime },
  exp: { meaning: 'Valid until', say: sayTime },
  jti: { meaning: 'Its own number' }
}

function claimsInWords({ claims }: TwilioTokens): { name: string; meaning: string; value: string }[] {
  return Object.entries(claims).map(([name, value]) => {
    const { meaning = 'Also says', say = sayPlainly } = CLAIMS[name] ?? {}
    return { name, meaning, value: say(value) }
  })
}

function sayTime(value: unknown): string {
  return typeof value === 'number' ? new Date(value * 1000).toUTCString() : sayPlainly(value)
}

function sayPlainly(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
