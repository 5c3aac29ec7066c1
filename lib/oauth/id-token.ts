import type { CompactVerifyGetKey, errors } from 'jose'
import { decodeJWT, type Claims } from './claims'
import { isObject } from '../util/is-object'
import { TwilioIdTokenError, TwilioNetworkError, TwilioResponseError, TwilioTimeoutError } from '../errors'
import { callHttp, endpointOf, type CallLimits } from './http'
import { jose } from './jose'
import type { IdTokenOptions } from './options'

/** How far two clocks may be apart, in seconds. */
const CLOCK_TOLERANCE_S = 60

/** Signatures that only the owner of a private key can make: a public key must never serve as a shared secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA']

/** Keys are fetched again for a key ID they lack, but not more often than this. */
const KEYS_COOLDOWN_MS = 1000

/**
 * Gives the claims of a good ID token; none where there is no token.
 *
 * @throws {TwilioIdTokenError}
 */
export type CheckIdToken = (idToken: string | undefined) => Promise<Claims>

/** A check of ID tokens as OpenID Connect Core §3.1.3.7 asks for it. The signature is checked where keys are configured. */
export function idTokenChecker(clientID: string, options: IdTokenOptions, limits: CallLimits): CheckIdToken {
  const checkSignature = signatureChecker(options, limits)
  return async (idToken) => {
    if (idToken === undefined) {
      if (options.required) throw refused('there is none, and idToken.required is set')
      return {}
    }
    const decoded = decodeJWT(idToken)
    if (!decoded) throw refused('it is not a signed JWT')
    if (typeof decoded.header.alg !== 'string' || decoded.header.alg.toLowerCase() === 'none') throw refused('it is not signed')
    const wrong = wrongClaim(decoded.claims, clientID, options.issuer)
    if (wrong) throw refused(wrong)
    await checkSignature?.(idToken)
    return decoded.claims
  }
}

function refused(why: string, cause?: unknown): TwilioIdTokenError {
  return new TwilioIdTokenError(`The ID token is refused: ${why}.`, cause === undefined ? undefined : { cause })
}

function wrongClaim(claims: Claims, clientID: string, issuer: string | undefined): string | undefined {
  const now = Date.now() / 1000
  const { aud, azp, exp, nbf, iat, iss } = claims
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.includes(clientID)) return 'it is for another app (aud)'
  if ((azp !== undefined || audiences.length > 1) && azp !== clientID) return 'it was issued to another app (azp)'
  if (issuer !== undefined && iss !== issuer) return 'it comes from another issuer (iss) than idToken.issuer'
  if (typeof exp !== 'number') return 'it does not say when it ends (exp)'
  if (exp + CLOCK_TOLERANCE_S <= now) return "it has expired (exp); if it is new, look at this machine's clock"
  if (isLater(nbf, now)) return "it is not valid yet (nbf); look at this machine's clock"
  if (isLater(iat, now)) return "it was issued in the future (iat); look at this machine's clock"
  return undefined
}

function isLater(time: unknown, now: number): boolean {
  return time !== undefined && !(typeof time === 'number' && time <= now + CLOCK_TOLERANCE_S)
}

function signatureChecker({ jwksURL, jwks }: IdTokenOptions, limits: CallLimits): ((idToken: string) => Promise<void>) | undefined {
  if (jwksURL === undefined && jwks === undefined) return undefined
  let resolveKey: ReturnType<typeof keys> | undefined

  function keys() {
    const { createLocalJWKSet, createRemoteJWKSet, customFetch } = jose()
    if (jwksURL === undefined) return createLocalJWKSet(jwks as Parameters<typeof createLocalJWKSet>[0])
    return createRemoteJWKSet(new URL(jwksURL), {
      [customFetch]: keyFetcher(jwksURL, limits),
      timeoutDuration: limits.timeout,
      cooldownDuration: KEYS_COOLDOWN_MS
    })
  }

  return async (idToken) => {
    try {
      resolveKey ??= keys()
      await verifySignature(idToken, resolveKey)
    } catch (error) {
      if (error instanceof TwilioNetworkError || error instanceof TwilioTimeoutError || error instanceof TwilioResponseError) throw error
      throw refused('its signature does not hold', error)
    }
  }
}

async function verifySignature(idToken: string, resolveKey: CompactVerifyGetKey): Promise<void> {
  const { compactVerify } = jose()
  try {
    await compactVerify(idToken, resolveKey, { algorithms: ALGORITHMS })
  } catch (error) {
    if (!isChoiceOfKeys(error)) throw error
    // A token need not name its key (`kid` is optional: RFC 7515 §4.1.4), and each of these may have made it.
    let failure: unknown = error
    for await (const key of error) {
      try {
        await compactVerify(idToken, key, { algorithms: ALGORITHMS })
        return
      } catch (wrong) {
        failure = wrong
      }
    }
    throw failure
  }
}

/** By its code: the class would bring all the others into the bundle. */
function isChoiceOfKeys(error: unknown): error is errors.JWKSMultipleMatchingKeys {
  return isObject(error) && error.code === 'ERR_JWKS_MULTIPLE_MATCHING_KEYS'
}

/** Keys come over the same bounded call as everything else. */
function keyFetcher(jwksURL: string, limits: CallLimits): () => Promise<Response> {
  const endpoint = endpointOf(jwksURL)
  return async () => {
    const { status, body } = await callHttp({ method: 'GET', endpoint, headers: { Accept: 'application/json' } }, limits)
    if (status !== 200) throw new TwilioResponseError(`The keys' address (idToken.jwksURL) answered ${status}.`)
    return new Response(body, { status })
  }
}
