import { randomUUID } from 'node:crypto'
import type { SandboxApp } from './apps'
import { ORGANIZATION_SID, type SandboxPerson } from './people'

/** Whom a token is about: a person who approved the app, or, with client credentials, the app itself. */
export interface TokenSubject {
  readonly app: SandboxApp
  readonly person?: SandboxPerson | undefined
  /** The account that the token acts for; `undefined` for the organization. */
  readonly accountSid: string | undefined
  readonly scope: string
}

const REGION = 'us1'
/** In seconds. */
const ID_TOKEN_TTL = 3600

/** @param ttl in seconds */
export function accessTokenClaims(issuer: string, subject: TokenSubject, ttl: number): Record<string, unknown> {
  const { accountSid } = subject
  const actor = accountSid === undefined ? resourceName('organization', ORGANIZATION_SID) : resourceName('account', accountSid)
  const iat = now()
  return {
    iss: issuer,
    sub: subjectName(subject),
    act: { sub: actor },
    'urn:tw:iam_ctx': actor,
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

/** Whether Twilio names the person in an organization's token is not known, so the sandbox does not. */
function subjectName({ app, person }: TokenSubject): string {
  return person && app.owner === 'account' ? resourceName('user', person.userSid) : resourceName('oauthapp', app.clientID)
}

/** A Twilio Resource Name: `trn:REGION:SERVICE:TYPE:SID`. */
function resourceName(type: string, sid: string): string {
  return `trn:${REGION}:iam:${type}:${sid}`
}

/** Seconds since the epoch, with a fraction, so that tokens can live for less than a second (RFC 7519 §2, NumericDate). */
function now(): number {
  return Date.now() / 1000
}
