import { validateHeaderName, validateHeaderValue, type Agent } from 'node:http'
import { optionError } from '../errors'
import { isObject } from '../util/is-object'
import { DIALECTS, type ApiVersion, type Dialect } from './dialect'
import { endpointOf, type CallLimits, type Endpoint } from './http'

/** Public keys (RFC 7517 §5). */
export interface JSONWebKeySet {
  /** JSON Web Keys. */
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}

/**
 * How to check ID tokens (OpenID Connect Core §3.1.3.7). Their format, audience, expiry and algorithm (never `none`)
 * are always checked. Their signature is checked if keys are configured.
 */
export interface IdTokenOptions {
  /** The required value of `iss`. Default: any. */
  readonly issuer?: string | undefined
  /** The URL of Twilio's public keys, with which signatures are checked. */
  readonly jwksURL?: string | undefined
  /** Twilio's public keys themselves, instead of `jwksURL`. */
  readonly jwks?: JSONWebKeySet | undefined
  /** Whether to refuse logins without an ID token. Default: `false`, since Twilio often sends none. */
  readonly required?: boolean | undefined
}

/** Options for {@link TwilioOAuthClient}. */
export interface TwilioOAuthClientOptions {
  /** The OAuth app's client ID: 34 characters, `OQ…`. */
  readonly clientID: string
  /** The OAuth app's client secret. Left out for a public client, on v2 only: it authenticates with PKCE instead. */
  readonly clientSecret?: string | undefined
  /** The version of Twilio's OAuth API. Default: `'v1'`. */
  readonly apiVersion?: ApiVersion | undefined
  /** The account that tokens are requested for, `AC…`: the `account_sid` of v2's token endpoint. Default: none, so the OAuth app's owner. */
  readonly accountSid?: string | undefined
  /** The base URL of Twilio's OAuth API. Default: `https://oauth.twilio.com`. Plain http is allowed for localhost only. */
  readonly baseURL?: string | undefined
  /** The authorize endpoint, used as given. Default: derived from `baseURL` and `apiVersion`. */
  readonly authorizationURL?: string | undefined
  /** The token endpoint, used as given. Default: derived from `baseURL` and `apiVersion`. */
  readonly tokenURL?: string | undefined
  /** The base URL of Twilio's REST API, for `lookUpAccount`. Default: `https://api.twilio.com`. */
  readonly apiBaseURL?: string | undefined
  /** The time limit of a call to Twilio in ms, from DNS lookup to the last byte. Default: 10,000. */
  readonly timeout?: number | undefined
  /** The longest response to accept, in bytes. Default: 262,144. */
  readonly maxResponseBytes?: number | undefined
  /** An `http.Agent` or `https.Agent`, for example for a proxy or a private CA. Default: one that keeps connections alive. */
  readonly agent?: Agent | undefined
  /** Additional headers for requests to the token endpoint. */
  readonly customHeaders?: Readonly<Record<string, string>> | undefined
  /** How to check ID tokens. Default: `{}`. */
  readonly idToken?: IdTokenOptions | undefined
}

/** The checked options with their defaults, and what is derived from them once. */
export interface ClientConfiguration {
  readonly clientID: string
  /** `undefined` for a public client. */
  readonly clientSecret: string | undefined
  readonly dialect: Dialect
  readonly authorize: Endpoint
  readonly token: Endpoint
  readonly accounts: Endpoint
  readonly limits: CallLimits
  readonly customHeaders: Readonly<Record<string, string>>
  readonly idToken: IdTokenOptions
}

export const DEFAULT_BASE_URL = 'https://oauth.twilio.com'
export const DEFAULT_TIMEOUT = 10_000
export const DEFAULT_MAX_RESPONSE_BYTES = 262_144
const CLIENT_ID_LENGTH = 34
const OTHER_SIDS: Readonly<Record<string, string>> = {
  AC: 'an account SID',
  SK: 'an API key SID',
  US: 'a user SID',
  OR: 'an organization SID',
  AP: 'a TwiML app SID'
}

/** @throws {TypeError} naming the option that is wrong and what it should be */
export function configure(options: TwilioOAuthClientOptions): ClientConfiguration {
  const given: unknown = options
  if (typeof given !== 'object' || given === null) throw optionError('options must be an object with clientID and clientSecret.')
  checkClientID(options.clientID)
  const { apiVersion = 'v1', baseURL = DEFAULT_BASE_URL, apiBaseURL = 'https://api.twilio.com' } = options
  if (!Object.hasOwn(DIALECTS, apiVersion)) throw optionError(`apiVersion must be 'v1' or 'v2', not ${describe(apiVersion)}.`)
  // On v2, an OAuth app may be a public client. An empty secret is still a mistake.
  if (!(apiVersion === 'v2' && options.clientSecret === undefined)) checkClientSecret(options.clientSecret)
  const dialect = DIALECTS[apiVersion]
  const authorize = options.authorizationURL === undefined ? endpointUnder('baseURL', baseURL, dialect.authorizePath) : endpoint('authorizationURL', options.authorizationURL)
  const tokenEndpoint = options.tokenURL === undefined ? endpointUnder('baseURL', baseURL, dialect.tokenPath) : endpoint('tokenURL', options.tokenURL)
  const token = options.accountSid === undefined ? tokenEndpoint : forAccount(tokenEndpoint, options.accountSid, apiVersion)
  return {
    clientID: options.clientID,
    clientSecret: options.clientSecret,
    dialect,
    authorize,
    token,
    accounts: endpointUnder('apiBaseURL', apiBaseURL, '/2010-04-01/Accounts.json?PageSize=50'),
    limits: {
      timeout: checkNumber('timeout', options.timeout ?? DEFAULT_TIMEOUT, 'ms'),
      maxResponseBytes: checkNumber('maxResponseBytes', options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES, 'bytes'),
      agent: checkAgent(options.agent, [authorize, token])
    },
    customHeaders: checkHeaders(options.customHeaders ?? {}),
    idToken: checkIdToken(options.idToken ?? {})
  }
}

/** A value for an error message. Strings are truncated, since they may be secrets. */
function describe(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 20)}'` : String(value)
}

export function checkText(option: string, value: unknown, meaning: string): asserts value is string {
  if (typeof value !== 'string' || value === '') throw optionError(`${option} is missing: it must be ${meaning}. Is the option misspelled, or an environment variable not set?`)
}

export function checkNumber(option: string, value: unknown, unit: string): number {
  // Node's timers fire at once if they are set to more than 2^31 - 1 ms.
  if (typeof value !== 'number' || !(value > 0 && value <= 0x7fffffff)) {
    throw optionError(`${option} must be a number of ${unit} from 1 to 2147483647, not ${describe(value)}.`)
  }
  return value
}

export function checkCount(option: string, value: unknown): number {
  if (!(Number.isInteger(value) && Number(value) > 0)) throw optionError(`${option} must be a whole number, 1 or more.`)
  return Number(value)
}

function checkClientID(clientID: unknown): void {
  checkText('clientID', clientID, "the OAuth app's client ID, OQ and 32 more characters")
  const other = OTHER_SIDS[clientID.slice(0, 2)]
  if (clientID.length === CLIENT_ID_LENGTH && !other) return
  const looks = other ? `looks like ${other} (${clientID.slice(0, 2)}…)` : `has ${clientID.length} characters`
  throw optionError(`clientID ${looks}. It must be the client ID of an OAuth app from the Twilio Console: ${CLIENT_ID_LENGTH} characters, OQ….`)
}

function checkClientSecret(secret: unknown): void {
  checkText('clientSecret', secret, 'the secret of the OAuth app in the Twilio Console')
  if (secret.trim() !== secret || /[\r\n]/.test(secret)) throw optionError('clientSecret starts or ends with white space, or contains a line break. Was more than the secret pasted or read from a file?')
}

/** The token endpoint with `account_sid` in its query, as v2 documents it. */
function forAccount({ url }: Endpoint, accountSid: unknown, apiVersion: ApiVersion): Endpoint {
  if (typeof accountSid !== 'string' || !/^AC[\da-f]{32}$/i.test(accountSid)) throw optionError('accountSid must be the SID of an account: AC and 32 hexadecimal digits.')
  if (apiVersion !== 'v2') throw optionError("accountSid needs apiVersion: 'v2'. Version 1 of Twilio's OAuth API has no such parameter.")
  return endpointOf(`${url}${url.includes('?') ? '&' : '?'}account_sid=${accountSid}`)
}

/** Replaces the agent. */
export function setAgent({ authorize, token, limits }: ClientConfiguration, agent: Agent): void {
  limits.agent = checkAgent(agent, [authorize, token])
}

export function checkAgent(agent: Agent | undefined, endpoints: readonly Endpoint[]): Agent | undefined {
  const given: unknown = agent
  // Node's http calls this method. The dispatchers of undici don't have it.
  const isAgent = typeof given === 'object' && given !== null && 'addRequest' in given && typeof given.addRequest === 'function'
  if (given !== undefined && !isAgent) throw optionError('agent must be an http.Agent or an https.Agent, such as new HttpsProxyAgent(url).')
  const other = agent && Object.hasOwn(agent, 'protocol') ? endpoints.find(({ url }) => new URL(url).protocol !== (agent as { protocol?: unknown }).protocol) : undefined
  if (other) throw optionError(`agent is for the wrong protocol: ${other.hostname} needs an ${other.secure ? 'https' : 'http'}.Agent.`)
  return agent
}

function checkHeaders(headers: unknown): Readonly<Record<string, string>> {
  if (!isObject(headers)) throw optionError("customHeaders must be an object of header names and values, such as { 'X-App': 'mine' }.")
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string' || !isValidHeader(name, value)) throw optionError(`customHeaders: ${describe(name)} is not a valid HTTP header, or its value is not a valid string.`)
    checked[name] = value
  }
  return checked
}

function isValidHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}

/** An endpoint under a base URL, which has no query, fragment or credentials. */
export function endpointUnder(option: string, baseURL: unknown, path: string): Endpoint {
  const { url } = endpoint(option, baseURL)
  const { search, hash, username, password } = new URL(url)
  if (search || hash || username || password || /[?#]/.test(url)) throw optionError(`${option} must be an origin with an optional path, such as https://oauth.twilio.com, without a query, fragment or credentials.`)
  return endpointOf(url.replace(/\/+$/, '') + path)
}

/** An endpoint whose URL is used exactly as given. */
export function endpoint(option: string, url: unknown): Endpoint {
  if (typeof url !== 'string' || !URL.canParse(url)) throw optionError(`${option} must be an absolute URL, such as https://oauth.twilio.com.`)
  const parsed = endpointOf(url)
  const { protocol } = new URL(url)
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(parsed.hostname))) {
    throw optionError(`${option} must be an https URL, since secrets and tokens are sent there. Plain http is allowed for localhost only (localhost, 127.0.0.1, ::1).`)
  }
  return parsed
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '::1' || /^127(?:\.\d+){3}$/.test(hostname)
}

const ID_TOKEN_OPTIONS: readonly string[] = ['issuer', 'jwksURL', 'jwks', 'required'] satisfies (keyof IdTokenOptions)[]

function checkIdToken(options: unknown): IdTokenOptions {
  if (typeof options !== 'object' || options === null) throw optionError('idToken must be an object: { issuer?, jwksURL? or jwks?, required? }.')
  for (const [name, value] of Object.entries(options)) {
    if (!ID_TOKEN_OPTIONS.includes(name)) throw optionError(`idToken.${name} is not an option. The options of idToken are ${ID_TOKEN_OPTIONS.join(', ')}.`)
    if (value === undefined && name.startsWith('jwks')) throw optionError(`idToken.${name} is undefined. Is the environment variable set? Without keys, leave the option out.`)
  }
  const { issuer, jwksURL, jwks, required } = options as Record<string, unknown>
  if (issuer !== undefined) checkText('idToken.issuer', issuer, 'the iss claim of the ID tokens')
  if (jwksURL !== undefined && jwks !== undefined) throw optionError('idToken may have jwksURL or jwks, not both.')
  if (jwksURL !== undefined) endpoint('idToken.jwksURL', jwksURL)
  if (jwks !== undefined && !isKeySet(jwks)) throw optionError("idToken.jwks must be a JSON Web Key Set: { keys: [{ kty: 'RSA', … }] }.")
  if (required !== undefined && typeof required !== 'boolean') throw optionError('idToken.required must be true or false.')
  return options
}

/** RFC 7517 §4.1 and §5. jose checks the rest of a key when it is used. */
function isKeySet(jwks: unknown): boolean {
  return isObject(jwks) && Array.isArray(jwks.keys) && jwks.keys.every((key) => isObject(key) && typeof key.kty === 'string')
}
