import type { ErrorRequestHandler, RequestHandler } from 'express'
import { LoginStateError, TwilioIdTokenError, TwilioPermissionError, TwilioTokenError, TwilioUnavailableError, type LoginStateReason } from 'passport-twilio'
import { log } from './log.ts'
import { CrossSiteRequestError, TooManyLoginsError } from './security.ts'
import { SessionStoreError } from './sessions.ts'
import { isTwilioAPIError } from './twilio-api.ts'
import { UserStoreError } from './users.ts'

/** An error page: what happened, and what the visitor can do. */
interface ErrorPage {
  status: number
  title: string
  message: string
}

type Explanation = Omit<ErrorPage, 'status'>

/** Twilio's tokens did not identify the user. This is not a denial: the user has approved the login. */
export class NoProfileError extends Error {
  readonly status = 502

  constructor() {
    super('Twilio did not say who logged in. Its tokens name neither a person nor an account.')
    this.name = 'NoProfileError'
  }
}

export const notFound: RequestHandler = (_req, res) => {
  res.status(404).render('error', { status: 404, title: 'Page not found', message: 'Please check the address for typos. The page may also have moved.' } satisfies ErrorPage)
}

/** Shows what the visitor can do. The details are for the log, under the same reference. */
export const errorPage: ErrorRequestHandler = (error: unknown, req, res, _next) => {
  if (res.headersSent) {
    log.error({ requestID: res.locals.requestID as string, method: req.method, path: req.path, err: error }, 'A response could not be completed')
    // Express would log the error once more, with its stack.
    if (!res.writableEnded) res.destroy()
    return
  }
  // The user logged in from another tab in the meantime, so this tab's login is no longer needed.
  if (error instanceof LoginStateError && req.isAuthenticated()) {
    res.redirect('/account')
    return
  }
  const page = pageFor(error)
  const reference = res.locals.requestID as string
  // The path without the query, which contains the code and state of a login.
  log[page.status >= 500 ? 'error' : 'warn']({ requestID: reference, method: req.method, path: req.path, status: page.status, err: error }, page.title)
  // A failed page can be reloaded. A failed login has to start again, because its code and state only work once.
  const isLogin = req.path.startsWith('/auth/') && page.status !== 429
  const canRetry = !isLogin && req.method === 'GET' && page.status > 500 && !(error instanceof TwilioPermissionError)
  res.set('Cache-Control', 'no-store')
  res.status(page.status).render('error', { ...page, reference, isLogin, canRetry })
}

const LOGIN_STATE_PAGES: Record<LoginStateReason, Explanation> = {
  missing: { title: 'This login cannot be finished', message: 'We could not tell which login this response from Twilio belongs to. Your account is not affected. Please log in again.' },
  unknown: { title: 'This login cannot be finished', message: 'It was not started in this browser, or it was started a long time ago. Your account is not affected. Please log in again.' },
  expired: { title: 'This login took too long', message: 'For your security, a login must be completed within a few minutes. Your account is not affected. Please log in again.' },
  used: { title: 'This login was already used', message: 'A login can be completed only once, so going back or reloading this page does not work. Please log in again.' }
}

const UNAVAILABLE: Explanation = { title: 'Twilio cannot be reached right now', message: 'Your account is not affected. Please try again in a moment.' }
const NO_SESSION: Explanation = { title: 'We cannot see who you are right now', message: 'This is a problem on our side. Your account is not affected. Please try again in a moment.' }
const REFUSED: Explanation = { title: 'Twilio refused our request', message: 'Your account may not have permission to do this, or this app is not set up correctly.' }
const INVALID_ID_TOKEN: Explanation = { title: 'We could not verify who you are', message: 'This is a problem between Twilio and this app. You are not logged in, and your account is not affected.' }
const NO_PROFILE: Explanation = { title: 'Twilio did not say who you are', message: 'You are not logged in, and your account is not affected.' }
const INVALID_CODE: Explanation = { title: 'Twilio did not accept this login', message: 'The authorization code from Twilio works once, for five minutes. Please log in again.' }
const CROSS_SITE: Explanation = { title: 'This did not come from our site', message: 'A page of another site tried to do this in your name, so we have not done it. If it was you, please do it again on our site.' }
const OUR_FAULT: Explanation = { title: 'Something went wrong', message: 'This is our fault. Please try again.' }

function pageFor(error: unknown): ErrorPage {
  const { status, message } = statusOf(error)
  if (error instanceof TwilioPermissionError) return { status, ...missingPermission(error) }
  if (error instanceof LoginStateError) return { status, ...LOGIN_STATE_PAGES[error.reason] }
  if (error instanceof CrossSiteRequestError) return { status, ...CROSS_SITE }
  if (error instanceof TooManyLoginsError) return { status, ...tooManyLogins(error) }
  if (error instanceof NoProfileError) return { status, ...NO_PROFILE }
  if (isStoreFailure(error)) return { status, ...NO_SESSION }
  if (error instanceof TwilioIdTokenError) return { status, ...INVALID_ID_TOKEN }
  if (error instanceof TwilioTokenError && error.code === 'invalid_grant') return { status: 403, ...INVALID_CODE }
  if (isRefusal(error)) return { status: 502, ...REFUSED }
  // Twilio can be reached, but refuses to refresh tokens: the client secret has been rotated, for example.
  if (error instanceof TwilioUnavailableError && isRefusal(error.cause)) return { status, ...REFUSED }
  if (status > 500) return { status, ...UNAVAILABLE }
  if (isFromTwilio(error)) return status === 429 || status === 500 ? { status: 503, ...UNAVAILABLE } : { status: 502, ...REFUSED }
  if (status < 500) return { status, title: 'That did not work', message }
  return { status, ...OUR_FAULT }
}

/** Whether the sessions or the users could not be read or saved. The package has an error of its own for a login that could not be saved. */
function isStoreFailure(error: unknown): boolean {
  if (error instanceof SessionStoreError || error instanceof UserStoreError) return true
  return error instanceof Error && 'code' in error && error.code === 'ERR_TWILIO_SESSION_STORE'
}

/** Whether Twilio's token endpoint refused the app, and is neither down nor throttling. */
function isRefusal(error: unknown): boolean {
  return error instanceof TwilioTokenError && error.twilioStatus < 500 && error.twilioStatus !== 429
}

function missingPermission({ permission }: TwilioPermissionError): Explanation {
  return {
    title: 'Twilio does not let this app do that',
    message: `The app lacks ${permission === undefined ? 'a permission' : `the permission ${permission}`}. An owner or administrator of your Twilio organization can grant it to the OAuth app, in the organization settings of the Twilio Console.`
  }
}

function tooManyLogins({ retryAt }: TooManyLoginsError): Explanation {
  const minutes = Math.max(1, Math.ceil((retryAt.getTime() - Date.now()) / 60_000))
  return { title: 'Too many logins', message: `There were too many logins from your address. Please try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.` }
}

function statusOf(error: unknown): { status: number; message: string } {
  if (!(error instanceof Error)) return { status: 500, message: '' }
  const status = 'status' in error && typeof error.status === 'number' ? error.status : 500
  return { status, message: error.message }
}

/**
 * Whether Twilio returned this error to the app, during the login or to the SDK. Its status is about the app's request
 * to Twilio, so it must not become the status of our own response.
 */
function isFromTwilio(error: unknown): boolean {
  return error instanceof TwilioTokenError || isTwilioAPIError(error)
}
