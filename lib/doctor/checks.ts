import type { Agent } from 'node:http'
import { TwilioTimeoutError, TwilioTokenError } from '../errors'
import { TwilioOAuthClient } from '../oauth/client'
import type { ApiVersion } from '../oauth/dialect'
import { callHttp, type HttpResponse } from '../oauth/http'
import { configure } from '../oauth/options'
import { isObject } from '../util/is-object'
import { messageOf } from '../util/message-of'
import { redact } from '../util/redact'
import { findProxy } from './proxy'

/** The settings of an app. */
export interface DoctorOptions {
  readonly clientID: string
  /** `undefined` if the environment has none. */
  readonly clientSecret: string | undefined
  readonly redirectURI: string
  readonly baseURL: string | undefined
  readonly apiVersion: ApiVersion
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The result of a check. */
export interface Finding {
  readonly subject: string
  /** `undefined` if that could not be checked. */
  readonly isFine: boolean | undefined
  /** What was found, and if it isn't fine, what to do. */
  readonly text: string
}

/** ms. ID tokens allow for this difference. */
const CLOCK_TOLERANCE = 60_000

/** An invalid code, so that nobody is logged in. */
const MADE_UP_CODE = 'passport-twilio-doctor'
/** PKCE's verifier and challenge, from RFC 7636 appendix B. */
const CODE_VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CODE_CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const NOT_SET = 'TWILIO_CLIENT_SECRET is not set in the environment. This command does not read .env: set the variable first.'
/** Has the form of a secret, where a client needs one that is not sent. */
const PLACEHOLDER = 'not a secret'

/** Checks the setup of an app step by step. Later checks are left out if they depend on what has failed. */
export async function* examine(options: DoctorOptions): AsyncGenerator<Finding> {
  const { clientID, redirectURI, baseURL, apiVersion, clientSecret, environment } = options
  const form = checkForm(() => configure({ clientID, clientSecret: PLACEHOLDER }))
  yield { subject: 'Client ID', isFine: form === undefined, text: form ?? 'It looks like a client ID.' }
  if (form !== undefined) return
  const address = checkForm(() => configure({ clientID, clientSecret: PLACEHOLDER, baseURL, apiVersion }))
  if (address !== undefined) {
    yield { subject: 'Base URL', isFine: false, text: address }
    return
  }

  const proxy = await findProxy(configure({ clientID, clientSecret: PLACEHOLDER, baseURL, apiVersion }).token.url, environment)
  if (proxy) yield proxy.finding
  const agent = proxy?.agent

  const response = await connect({ clientID, baseURL, apiVersion, agent })
  if ('text' in response) {
    yield { subject: 'Connection', isFine: false, text: response.text }
    return
  }
  yield { subject: 'Connection', isFine: true, text: `${response.host} responds.` }
  yield checkClock(response.headers.date, response.receivedAt)

  const client = (secret: string | undefined) => new TwilioOAuthClient({ clientID, clientSecret: secret, baseURL, apiVersion, agent })
  yield await checkRedirectURI(client(PLACEHOLDER), redirectURI, apiVersion)
  const secretForm = checkForm(() => configure({ clientID, clientSecret, baseURL, apiVersion }))
  if (secretForm === undefined) yield await checkSecret(client(clientSecret), clientSecret === undefined, redirectURI, apiVersion)
  else yield { subject: 'Client secret', isFine: false, text: clientSecret === undefined ? NOT_SET : secretForm }
}

/** The message of a TypeError for a wrong option. */
function checkForm(check: () => unknown): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

type Answer = HttpResponse & { readonly host: string; readonly receivedAt: number }

/** Any response will do. */
async function connect({ clientID, baseURL, apiVersion, agent }: Pick<DoctorOptions, 'clientID' | 'baseURL' | 'apiVersion'> & { readonly agent: Agent | undefined }): Promise<Answer | { readonly text: string }> {
  const { authorize, limits } = configure({ clientID, clientSecret: PLACEHOLDER, baseURL, apiVersion, agent })
  try {
    const response = await callHttp({ method: 'GET', endpoint: authorize, headers: { Accept: 'application/json' } }, limits)
    return { ...response, host: authorize.host, receivedAt: Date.now() }
  } catch (error) {
    return { text: `${messageOf(error)} ${adviceFor(error)}` }
  }
}

/** What to do about Node's errors, by their codes. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^(?:ENOTFOUND|EAI_AGAIN)$/, 'The host name is unknown: check --base-url, the proxy if there is one, and the DNS of this machine.'],
  [/^ECONNREFUSED$/, 'Nothing listens on this host and port: check --base-url, and whether a firewall or a proxy is in between.'],
  [/SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED/, "The certificate comes from a CA that Node doesn't know, such as a company proxy's: set NODE_EXTRA_CA_CERTS to its PEM file, or pass agent: new https.Agent({ ca })."],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, "The certificate is not valid now: check this machine's clock, and any proxy in between."],
  [/ALTNAME/, 'The certificate is for another host: check --base-url and any proxy in between.'],
  [/^(?:EPROTO|ERR_SSL_.*|HPE_INVALID_CONSTANT|ECONNRESET)$/, 'The server does not use this protocol: check http or https in --base-url, and any proxy in between.']
]

function adviceFor(error: unknown): string {
  if (error instanceof TwilioTimeoutError) return 'A firewall may drop the connection: allow it, or use a proxy (HTTPS_PROXY).'
  const code = error instanceof Error && isObject(error.cause) ? String(error.cause.code) : ''
  return ADVICE.find(([codes]) => codes.test(code))?.[1] ?? 'Check the network and --base-url.'
}

function checkClock(date: string | undefined, receivedAt: number): Finding {
  const subject = 'Clock'
  const there = date === undefined ? NaN : Date.parse(date)
  if (Number.isNaN(there)) return { subject, isFine: undefined, text: 'The response has no Date header.' }
  const difference = receivedAt - there
  if (Math.abs(difference) <= CLOCK_TOLERANCE) return { subject, isFine: true, text: "This machine's clock agrees with the server's." }
  return { subject, isFine: false, text: `This machine's clock is ${durationOf(Math.abs(difference))} ${difference > 0 ? 'ahead of' : 'behind'} the server's. ID tokens and certificates are then refused: synchronize the clock (NTP).` }
}

function durationOf(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}

async function checkRedirectURI(client: TwilioOAuthClient, redirectURI: string, apiVersion: ApiVersion): Promise<Finding> {
  const subject = 'Redirect URI'
  try {
    await client.resolveAuthorization({ redirectURI, scope: 'offline_access', state: MADE_UP_CODE, codeChallenge: apiVersion === 'v2' ? CODE_CHALLENGE : undefined })
    return { subject, isFine: true, text: 'The authorize endpoint accepts the client ID and the redirect URI.' }
  } catch (error) {
    if (error instanceof TwilioTokenError) return { subject, isFine: false, text: `${messageOf(error)} The redirect URI was ${redact(redirectURI, [])}. It must be registered with the OAuth app in exactly this form.` }
    return { subject, isFine: undefined, text: `It could not be checked at the authorize endpoint. ${messageOf(error)}` }
  }
}

/** Sends an invalid code. If Twilio accepts the client, it responds that the code is wrong. */
async function checkSecret(client: TwilioOAuthClient, isPublic: boolean, redirectURI: string, apiVersion: ApiVersion): Promise<Finding> {
  const subject = 'Client secret'
  try {
    await client.exchangeCode({ code: MADE_UP_CODE, redirectURI, codeVerifier: apiVersion === 'v2' ? CODE_VERIFIER : undefined })
    return { subject, isFine: undefined, text: 'The token endpoint issued tokens for an invalid code. Check --base-url.' }
  } catch (error) {
    const isAccepted = error instanceof TwilioTokenError && ['invalid_grant', 'invalid_request'].includes(error.code)
    if (isPublic) return { subject, isFine: isAccepted, text: isAccepted ? 'The token endpoint requires no secret: the OAuth app is a public client.' : `${messageOf(error)} ${NOT_SET} Only a public client needs no secret.` }
    return { subject, isFine: isAccepted, text: isAccepted ? 'The token endpoint accepts it.' : messageOf(error) }
  }
}
