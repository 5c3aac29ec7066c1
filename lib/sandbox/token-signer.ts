import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'

/** Signs JWTs with a key pair that is generated when the sandbox starts. */
export interface TokenSigner {
  /** The public key, as a JSON Web Key Set (RFC 7517 §5). */
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** Returns a JWT with these claims, signed with ES256 (RFC 7515 §3.1). */
  sign(claims: Readonly<Record<string, unknown>>): string
}

export function createTokenSigner(): TokenSigner {
  const alg = 'ES256'
  const kid = randomUUID()
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }] },
    sign: (claims) => {
      const signingInput = `${encodePart({ alg, kid, typ: 'JWT' })}.${encodePart(claims)}`
      // JWS concatenates r and s (RFC 7518 §3.4); Node's default is DER.
      const signature = sign('sha256', Buffer.from(signingInput), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${signingInput}.${signature.toString('base64url')}`
    }
  }
}

function encodePart(value: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
