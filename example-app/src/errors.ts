import type { ErrorRequestHandler, RequestHandler } from 'express'
import { LoginStateError, TwilioTokenError, type LoginStateReason } from 'passport-twilio'
import { CrossSiteRequestError, TooManyLoginsError } from './security.ts'

/** An error page: what happened, and what the visitor can do. */
interface ErrorPage {
  status: number
  title: string
  message: string
}

/** Twilio's tokens did not identify the user. This is not a denial: the user has approved the login. */
export class NoProfileError extends Error {
  readonly status = 502

  constructor() {
    super('Twilio did not say who logged in. Add openid to the scope, or set lookUpAccount.')
  }
}

export const notFound: RequestHandler = (_req, res) => {
  res.status(404).render('error', { status: 404, title: 'There is no such page', message: 'Please check the address: it may be mistyped, or the page may have moved.' } satisfies ErrorPage)
}

export const errorPage: ErrorRequestHandler = (error: unknown, req, res, next) => {
  if (res.headersSent) {
    next(error)
    return
  }
  // The user logged in from another tab in the meantime, so this tab's login is no longer needed.
  if (error instanceof LoginStateError && req.isAuthenticated()) {
    res.redirect('/account')
    return
  }
  const page = pageFor(error)
  // Visitors see what they can do. The details are for the log.
  if (page.status >= 500) console.error(error)
  // A failed page can be reloaded. A failed login has to start again, because its code and state only work once.
  const isLogin = req.path.startsWith('/auth/')
  const canRetry = !isLogin && req.method === 'GET' && page.status > 500
  res.status(page.status).render('error', { ...page, isLogin, canRetry })
}

const LOGIN_STATE_PAGES: Record<LoginStateReason, Omit<ErrorPage, 'status'>> = {
  missing: { title: 'This login cannot be finished', message: 'We could not tell which login this response from Twilio belongs to. Your account is not affected. Please log in again.' },
  unknown: { title: 'This login cannot be finished', message: 'It was not started in this browser, or it was started a long time ago. Your account is not affected. Please log in again.' },
  expired: { title: 'This login took too long', message: 'For your security, a login must be completed within a few minutes. Your account is not affected. Please log in again.' },
  used: { title: 'This login was already used', message: 'A login can be completed only once, so going back or reloading this page does not work. Please log in again.' }
}

const UNAVAILABLE: Omit<ErrorPage, 'status'> = { title: 'Twilio cannot be reached right now', message: 'Your account is not affected. Please try again in a moment.' }
const REFUSED: Omit<ErrorPage, 'status'> = { title: 'Twilio refused our request', message: 'Your account may not have permission to do this, or this app is not set up correctly. The error has been logged.' }
const NO_PROFILE: Omit<ErrorPage, 'status'> = { title: 'Twilio did not say who you are', message: 'You are not logged in, and your account is not affected. The error has been logged.' }
const CROSS_SITE: Omit<ErrorPage, 'status'> = { title: 'This did not come from our site', message: 'A page of another site tried to do this in your name, so we have not done it. If it was you, please do it again on our site.' }

function pageFor(error: unknown): ErrorPage {
  const { status, message } = statusOf(error)
  if (error instanceof LoginStateError) return { status, ...LOGIN_STATE_PAGES[error.reason] }
  if (error instanceof TwilioTokenError && error.code === 'invalid_grant') {
    return { status: 403, title: 'Twilio did not accept this login', message: 'The authorization code from Twilio works once, for five minutes. Please log in again.' }
  }
  if (error instanceof TwilioTokenError && error.twilioStatus < 500 && error.twilioStatus !== 429) return { status: 502, ...REFUSED }
  if (error instanceof CrossSiteRequestError) return { status, ...CROSS_SITE }
  if (error instanceof TooManyLoginsError) return { status, title: 'Too many logins', message: `There were too many logins from your address. Please try again ${inMinutes(error.retryAt)}.` }
  if (error instanceof NoProfileError) return { status, ...NO_PROFILE }
  if (status > 500) return { status, ...UNAVAILABLE }
  if (isFromTwilio(error)) return status === 429 || status === 500 ? { status: 503, ...UNAVAILABLE } : { status: 502, ...REFUSED }
  if (status < 500) return { status, title: 'That did not work', message }
  return { status, title: 'Something went wrong', message: 'This is our fault, and the error has been logged. Please try again.' }
}

function inMinutes(date: Date): string {
  const minutes = Math.max(1, Math.ceil((date.getTime() - Date.now()) / 60_000))
  return minutes === 1 ? 'in a minute' : `in ${minutes} minutes`
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
  return error instanceof TwilioTokenError || (error instanceof Error && 'moreInfo' in error)
}
