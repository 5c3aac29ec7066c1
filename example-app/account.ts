import type { RequestHandler } from 'express'
import type { SessionTokens, TwilioTokens } from 'passport-twilio'
import { render } from './render.ts'

/** Who is logged in, and what their token says. */
export function accountPage(tokens: SessionTokens): RequestHandler {
  return async (req, res) => {
    const held = await tokens.of(req)
    res.set('Cache-Control', 'no-store').send(render('account', { user: req.user, token: held && describe(held), claims: held ? claimsInWords(held) : [] }))
  }
}

interface TokenLife {
  issuedAt: number | undefined
  expiresAt: number | undefined
  isRefreshable: boolean
}

function describe({ claims, expiresAt, refreshToken }: TwilioTokens): TokenLife {
  return { issuedAt: typeof claims.iat === 'number' ? claims.iat * 1000 : undefined, expiresAt, isRefreshable: refreshToken !== undefined }
}

/** What a claim means, and how to say its value. */
const CLAIMS: Record<string, { meaning: string; say?: (value: unknown) => string }> = {
  iss: { meaning: 'Issued by' },
  sub: { meaning: 'Is about' },
  act: { meaning: 'Acts for', say: (value) => sayPlainly((value as { sub?: unknown } | null)?.sub ?? value) },
  'urn:tw:iam_ctx': { meaning: 'In the account' },
  'urn:tw:rgn': { meaning: 'In the region' },
  aud: { meaning: 'Is meant for', say: (value) => [value].flat().join(', ') },
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
