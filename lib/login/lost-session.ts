import cluster from 'node:cluster'
import type { IncomingMessage } from 'node:http'
import { originOf } from '../request/original-url'
import { peekSession } from '../request/session'
import { BoundedMap } from '../util/bounded-map'
import { isObject } from '../util/is-object'
import { redact } from '../util/redact'
import type { LoginStateCause } from './login-state-error'

/** Why the session of a login is not there at its callback. */
export interface LostSession {
  readonly likelyCause: LoginStateCause
  /** The cause and the remedy, for the developer. */
  readonly explanation: string
}

type Callback = Pick<IncomingMessage, 'headers' | 'url' | 'socket'>

/** How many logins are remembered with the host on which they began. */
const MAX_HOSTS = 1000

const EXPLANATIONS: Readonly<Record<Exclude<LoginStateCause, 'other_host'>, string>> = {
  secure_cookie:
    "The session cookie is secure, but this request did not come over https as far as the app can tell, so no cookie was sent to the browser. Use https. Behind an https proxy, set app.set('trust proxy', 1). For http on your own machine, set cookie.secure to false.",
  strict_cookie: "The session cookie has sameSite: 'strict', and browsers don't send such a cookie when they come back from Twilio. Set it to 'lax'.",
  no_cookie:
    "The request has no cookie: the browser blocks cookies, or it isn't the one in which the login was started. If this happens to everybody, check the domain and the path of the session cookie, and that no proxy removes cookies.",
  memory_sessions: 'The session is not known to this process: each process of the cluster keeps sessions in its own memory. Keep them in a store that all processes share, such as Redis.',
  unknown_session:
    "The request has cookies, but none that belongs to an existing session: the session has expired or was deleted, its store was emptied (a store in memory by a restart), or the secret of the session middleware has changed. If this happens to everybody, check the store, and that every process has the same secret."
}

/** Finds out why a session is not there at the callback of a login, as far as the request shows it. */
export class LostSessions {
  /** The host on which a login began, by its state. */
  readonly #hosts = new BoundedMap<string, string>(MAX_HOSTS)

  /** Notes where a login begins. */
  began(request: Callback, state: string): void {
    const host = hostOf(request)
    if (host !== undefined) this.#hosts.set(state, host)
  }

  /** `undefined` if the session is there, or nothing is known about it. */
  causeOf(request: Callback, state: string | undefined): LostSession | undefined {
    if (!isNewSession(request)) return undefined
    const beganOn = state === undefined ? undefined : this.#hosts.get(state)
    const host = hostOf(request)
    const causes: readonly (readonly [LoginStateCause, boolean])[] = [
      ['secure_cookie', cookieOptionsOf(request).secure === true && !isSecure(request)],
      ['strict_cookie', isStrict(cookieOptionsOf(request)) && mayBeCrossSite(request)],
      ['other_host', beganOn !== undefined && host !== undefined && beganOn !== host],
      ['no_cookie', !hasCookie(request)],
      ['memory_sessions', isMemoryStoreInCluster(request)],
      ['unknown_session', true]
    ]
    const [likelyCause] = causes.find(([, applies]) => applies) ?? []
    if (likelyCause === undefined) return undefined
    if (likelyCause !== 'other_host') return { likelyCause, explanation: EXPLANATIONS[likelyCause] }
    const [from, to] = [beganOn, host].map((name = '') => redact(name, []))
    return { likelyCause, explanation: `The login was started on ${from}, but the callback came to ${to}, which has other cookies. Open the app on the host of callbackURL.` }
  }
}

/** Without the port, which makes no difference to cookies. */
function hostOf(request: Callback): string | undefined {
  const origin = originOf(request, false)
  return origin === undefined ? undefined : new URL(origin).hostname
}

/** Whether the session middleware has found no session. Other middleware than express-session and cookie-session doesn't say so. */
function isNewSession(request: Callback): boolean {
  if (!hasCookie(request)) return true
  const { cookie = '' } = request.headers
  if ('sessionID' in request && typeof request.sessionID === 'string') return ![request.sessionID, encodeURIComponent(request.sessionID)].some((id) => cookie.includes(id))
  return peekSession(request)?.isNew === true
}

function hasCookie({ headers: { cookie = '' } }: Callback): boolean {
  return cookie.trim() !== ''
}

/** The options of the session cookie: express-session has them in the session, cookie-session on the request. */
function cookieOptionsOf(request: Callback): Readonly<Record<string, unknown>> {
  const cookie = peekSession(request)?.cookie
  if (isObject(cookie)) return cookie
  return 'sessionOptions' in request && isObject(request.sessionOptions) ? request.sessionOptions : {}
}

function isStrict({ sameSite }: Readonly<Record<string, unknown>>): boolean {
  return sameSite === true || String(sameSite).toLowerCase() === 'strict'
}

/** Browsers say where a request comes from (Fetch Metadata). Other clients don't. */
function mayBeCrossSite({ headers }: Callback): boolean {
  return [undefined, 'cross-site'].includes(headers['sec-fetch-site'])
}

/** Express says whether a request is secure. In plain Connect, only the session middleware knows whether the proxy is trusted. */
function isSecure(request: Callback): boolean {
  if ('encrypted' in request.socket && request.socket.encrypted === true) return true
  if ('secure' in request) return request.secure === true
  return String(request.headers['x-forwarded-proto']).startsWith('https')
}

function isMemoryStoreInCluster(request: Callback): boolean {
  return cluster.isWorker && 'sessionStore' in request && isObject(request.sessionStore) && request.sessionStore.constructor.name === 'MemoryStore'
}
