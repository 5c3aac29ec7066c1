import { randomUUID } from 'node:crypto'
import type { SandboxApp } from './apps'
import type { SandboxPerson } from './people'

/** Whom a token is about: a person who approved the app, or, with client credentials, the app itself. */
export interface TokenSubject {
  readonly app: SandboxApp
  readonly person?: SandboxPerson | undefined
  readonly scope: string
}

const REGION = 'us1'
/** In seconds. */
const ID_TOKEN_TTL = 3600

/** @param ttl in seconds */
export function accessTokenClaims(issuer: string, subject: TokenSubject, ttl: number): Record<string, unknown> {
  const account = resourceName('account', subject.person?.accountSid ?? subject.app.accountSid)
  const iat = now()
  return {
    iss: issuer,
    sub: subjectName(subject),
    act: { sub: account },
    'urn:tw:iam_ctx': account,
    'urn:tw:rgn': REGION,
    aud: 'https://api.twilio.com',
    scope: subject.scope,
    iat,
    exp: iat + ttl,
    jti: randomUUID()
  }
}

/** The claims of OpenID Connect Core §5.1 that Twilio documents for a person. */
export function idTokenClaims(issuer: string, app: SandboxApp, person: SandboxPerson): Record<string, unknown> {
  const iat = now()
  return {
    iss: issuer,
    sub: resourceName('user', person.userSid),
    aud: app.clientID,
    name: person.name,
    given_name: person.givenName,
    family_name: person.familyName,
    email: person.email,
    email_verified: true,
    iat,
    exp: iat + ID_TOKEN_TTL
  }
}

function subjectName({ app, person }: TokenSubject): string {
  return person ? resourceName('user', person.userSid) : resourceName('oauthapp', app.clientID)
}

/** A Twilio Resource Name: `trn:REGION:SERVICE:TYPE:SID`. */
function resourceName(type: string, sid: string): string {
  return `trn:${REGION}:iam:${type}:${sid}`
}

/** Seconds since the epoch, with a fraction, so that tokens can live for less than a second (RFC 7519 §2, NumericDate). */
function now(): number {
  return Date.now() / 1000
}
