import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { SandboxApp, SandboxPerson } from './people'

/** Signs tokens with a key of its own, made at the start. */
export interface TokenSigner {
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>
}

export async function createTokenSigner(): Promise<TokenSigner> {
  const alg = 'ES256'
  const kid = randomUUID()
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return {
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }] },
    sign: (claims) => new SignJWT({ ...claims }).setProtectedHeader({ alg, kid, typ: 'JWT' }).sign(privateKey)
  }
}

/** For whom a token is: a person who approved the app, or the app itself. */
export interface TokenSubject {
  readonly app: SandboxApp
  readonly person?: SandboxPerson | undefined
  readonly scope: string
}

const REGION = 'us1'

function resourceName(type: string, sid: string): string {
  return `trn:${REGION}:iam:${type}:${sid}`
}

function subjectOf({ app, person }: TokenSubject): string {
  return person ? resourceName('user', person.userSid) : resourceName('oauthapp', app.clientID)
}

/** Seconds since the epoch, with what is behind the point, so that tokens may live for less than a second. */
function now(): number {
  return Date.now() / 1000
}

/** @param lifetime seconds */
export function accessTokenClaims(issuer: string, subject: TokenSubject, lifetime: number, id: string): Record<string, unknown> {
  const account = resourceName('account', subject.person?.accountSid ?? subject.app.accountSid)
  const iat = now()
  return {
    iss: issuer,
    sub: subjectOf(subject),
    act: { sub: account },
    'urn:tw:iam_ctx': account,
    'urn:tw:rgn': REGION,
    aud: 'https://api.twilio.com',
    scope: subject.scope,
    iat,
    exp: iat + lifetime,
    jti: id
  }
}

const ID_TOKEN_LIFETIME = 3600

export function idTokenClaims(issuer: string, subject: TokenSubject, { name, givenName, familyName, email }: SandboxPerson): Record<string, unknown> {
  const iat = now()
  return {
    iss: issuer,
    sub: subjectOf(subject),
    aud: subject.app.clientID,
    name,
    given_name: givenName,
    family_name: familyName,
    email,
    email_verified: true,
    iat,
    exp: iat + ID_TOKEN_LIFETIME
  }
}
