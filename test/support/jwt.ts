import { exportJWK, generateKeyPair, SignJWT, type GenerateKeyPairResult, type JWK } from 'jose'

export const CLIENT_ID = `OQ${'a'.repeat(32)}`
export const CLIENT_SECRET = 'the-client-secret-of-the-tests'

/** Something with the shape of a JWT, that nobody signed. */
export function unsigned(claims: unknown, header: unknown = { alg: 'RS256', typ: 'JWT' }): string {
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')
  return `${encode(header)}.${encode(claims)}.c2lnbmF0dXJl`
}

/** Seconds since the epoch. */
export function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

/** What an ID token for these tests' app says, unless a test wants otherwise. */
export function idClaims(claims: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { iss: 'https://oauth.twilio.com', sub: 'trn:us1:iam:user:US1', aud: CLIENT_ID, iat: nowInSeconds(), exp: nowInSeconds() + 3600, ...claims }
}

/** Somebody who signs. */
export interface Signer {
  readonly jwk: JWK
  readonly kid: string
  /** @param header what is signed beside the algorithm and the key's ID, or instead of that */
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
}

export async function createSigner(kid = 'key-1', alg = 'RS256'): Promise<Signer> {
  return signerOf(await generateKeyPair(alg, { extractable: true }), kid, alg)
}

let strangersKeys: Promise<GenerateKeyPairResult> | undefined

/** Somebody else, who signs under any key ID. Generating an RSA key takes long, so all of them share one. */
export async function strangerAs(kid: string): Promise<Signer> {
  strangersKeys ??= generateKeyPair('RS256', { extractable: true })
  return signerOf(await strangersKeys, kid, 'RS256')
}

async function signerOf({ publicKey, privateKey }: GenerateKeyPairResult, kid: string, alg: string): Promise<Signer> {
  return {
    kid,
    jwk: { ...(await exportJWK(publicKey)), kid, alg },
    sign: (claims, header) => new SignJWT({ ...claims }).setProtectedHeader({ alg, kid, ...header }).sign(privateKey)
  }
}
