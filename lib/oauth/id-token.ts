import type * as Jose from 'jose'
import { isObject } from '../util/is-object'
import { decodeJWT, type Claims } from './claims'
import { optionError, TwilioIdTokenError, TwilioNetworkError, TwilioResponseError, TwilioTimeoutError } from '../errors'
import { callHttp, endpointOf, type CallLimits } from './http'
import type { IdTokenOptions } from './options'

/** The difference allowed between this machine's clock and Twilio's, in seconds. */
const CLOCK_TOLERANCE_S = 60
const CLOCK_ADVICE = "check this machine's clock, and synchronize it (NTP)"

/** Asymmetric algorithms only: otherwise a public key could be used as a shared secret (HS256). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA']

/** Minimum time between two fetches of the key set, which is fetched again when a token names an unknown key. */
const KEYS_COOLDOWN_MS = 1000

/**
 * Validates an ID token and returns its claims; without a token, returns no claims.
 *
 * @throws {TwilioIdTokenError} if the token is invalid, or missing although `idToken.required` is set
 * @throws {TypeError} under Jest, if keys are configured and Node was started without `--experimental-vm-modules`
 * @throws {TwilioNetworkError | TwilioTimeoutError | TwilioResponseError} if the key set cannot be fetched from `idToken.jwksURL`
 */
export type CheckIdToken = (idToken: string | undefined) => Promise<Claims>

/** Validates ID tokens as OpenID Connect Core §3.1.3.7 requires. Signatures are verified if keys are configured. */
export function idTokenChecker(clientID: string, options: IdTokenOptions, limits: CallLimits): CheckIdToken {
  const checkSignature = signatureChecker(options, limits)
  return async (idToken) => {
    if (idToken === undefined) {
      if (options.required) throw invalid('there is none, and idToken.required is set')
      return {}
    }
    const decoded = decodeJWT(idToken)
    if (!decoded) throw invalid('it is not a signed JWT')
    if (typeof decoded.header.alg !== 'string' || decoded.header.alg.toLowerCase() === 'none') throw invalid('it is not signed')
    const wrong = wrongClaim(decoded.claims, clientID, options.issuer)
    if (wrong) throw invalid(wrong)
    await checkSignature?.(idToken)
    return decoded.claims
  }
}

function invalid(why: string, cause?: unknown): TwilioIdTokenError {
  return new TwilioIdTokenError(`The ID token is invalid: ${why}.`, cause === undefined ? undefined : { cause })
}

function wrongClaim(claims: Claims, clientID: string, issuer: string | undefined): string | undefined {
  const now = Date.now() / 1000
  const { aud, azp, exp, nbf, iat, iss } = claims
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.includes(clientID)) return 'it is for another app (aud)'
  if ((azp !== undefined || audiences.length > 1) && azp !== clientID) return 'it was issued to another app (azp)'
  if (issuer !== undefined && iss !== issuer) return 'its issuer (iss) differs from idToken.issuer'
  if (typeof exp !== 'number') return 'it has no expiry (exp)'
  if (exp + CLOCK_TOLERANCE_S <= now) return `it has expired (exp); if it is new, ${CLOCK_ADVICE}`
  if (isLater(nbf, now)) return `it is not valid yet (nbf); ${CLOCK_ADVICE}`
  if (isLater(iat, now)) return `it was issued in the future (iat); ${CLOCK_ADVICE}`
  return undefined
}

function isLater(time: unknown, now: number): boolean {
  return time !== undefined && !(typeof time === 'number' && time <= now + CLOCK_TOLERANCE_S)
}

function signatureChecker(options: IdTokenOptions, limits: CallLimits): ((idToken: string) => Promise<void>) | undefined {
  if (options.jwksURL === undefined && options.jwks === undefined) return undefined
  let keys: Jose.CompactVerifyGetKey | undefined
  return async (idToken) => {
    const jose = await loadJose()
    try {
      keys ??= keySet(jose, options, limits)
      await verifySignature(jose, idToken, keys)
    } catch (error) {
      if (error instanceof TwilioNetworkError || error instanceof TwilioTimeoutError || error instanceof TwilioResponseError) throw error
      throw invalid('its signature is invalid', error)
    }
  }
}

/** jose consists of ES modules, which CommonJS can only load with `import()`. Most apps configure no keys, so it is loaded only when needed. */
async function loadJose(): Promise<typeof Jose> {
  try {
    return await import('jose')
  } catch (error) {
    if (!isObject(error) || error.code !== 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG') throw error
    throw optionError('Verifying ID tokens with keys (idToken.jwksURL or idToken.jwks) under Jest needs NODE_OPTIONS=--experimental-vm-modules.', { cause: error })
  }
}

function keySet({ createLocalJWKSet, createRemoteJWKSet, customFetch }: typeof Jose, { jwksURL, jwks }: IdTokenOptions, limits: CallLimits): Jose.CompactVerifyGetKey {
  if (jwksURL === undefined) return createLocalJWKSet(jwks as Parameters<typeof createLocalJWKSet>[0])
  return createRemoteJWKSet(new URL(jwksURL), {
    [customFetch]: keyFetcher(jwksURL, limits),
    timeoutDuration: limits.timeout,
    cooldownDuration: KEYS_COOLDOWN_MS
  })
}

async function verifySignature({ compactVerify, errors }: typeof Jose, idToken: string, keys: Jose.CompactVerifyGetKey): Promise<void> {
  try {
    await compactVerify(idToken, keys, { algorithms: ALGORITHMS })
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    // A token may omit the ID of its key (`kid` is optional: RFC 7515 §4.1.4), so try every matching key.
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

/** Fetches the key set with the same `timeout`, `maxResponseBytes` and `agent` as every other request. */
function keyFetcher(jwksURL: string, limits: CallLimits): () => Promise<Response> {
  const endpoint = endpointOf(jwksURL)
  return async () => {
    const { status, body } = await callHttp({ method: 'GET', endpoint, headers: { Accept: 'application/json' } }, limits)
    if (status !== 200) throw new TwilioResponseError(`The key set URL (idToken.jwksURL) answered ${status}. Check the URL.`)
    return new Response(body, { status })
  }
}
