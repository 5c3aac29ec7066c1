import type { ErrorRequestHandler, RequestHandler } from 'express'
import { LoginStateError, TwilioTokenError, type LoginStateReason } from 'passport-twilio'

/** What a page says of an error: what happened, and what to do. */
interface InWords {
  status: number
  title: string
  message: string
}

/** Twilio's tokens do not say whom they are of. That person has approved: to tell them of a denial would be wrong. */
export class NoProfileError extends Error {
  readonly status = 502

  constructor() {
    super('Twilio did not say who has logged in. Ask for openid in the scope, or set lookUpAccount.')
  }
}

export const notFound: RequestHandler = (_req, res) => {
  res.status(404).render('error', { status: 404, title: 'There is no such page', message: 'The address may be mistyped, or the page has moved.' } satisfies InWords)
}

export const errorPage: ErrorRequestHandler = (error: unknown, req, res, next) => {
  if (res.headersSent) {
    next(error)
    return
  }
  // A tab whose login comes back after another tab's: the person is in already.
  if (error instanceof LoginStateError && req.isAuthenticated()) {
    res.redirect('/account')
    return
  }
  const inWords = describe(error)
  // People are told what they can do; whoever runs the app is told what happened.
  if (inWords.status >= 500) console.error(error)
  // A page that did not come can be asked for again as it is; a login is begun anew.
  const isLogin = req.path.startsWith('/auth/')
  const canRetry = !isLogin && req.method === 'GET' && inWords.status > 500
  res.status(inWords.status).render('error', { ...inWords, isLogin, canRetry })
}

const LOGIN_STATES: Record<LoginStateReason, Omit<InWords, 'status'>> = {
  missing: { title: 'This login cannot be finished', message: 'What came back from Twilio does not say which login it belongs to. Nothing has happened to your account. Please log in again.' },
  unknown: { title: 'This login cannot be finished', message: 'It was not begun in this browser, or it was begun a long time ago. Nothing has happened to your account. Please log in again.' },
  expired: { title: 'This login took too long', message: 'For your safety, a login waits for some minutes only. Nothing has happened to your account. Please log in again.' },
  used: { title: 'This login has come back before', message: 'The way back from Twilio can be taken once only, so going back or reloading does not help. Please log in again.' }
}

const TROUBLE: Omit<InWords, 'status'> = { title: 'Twilio cannot be reached right now', message: 'Nothing is lost, and nothing is wrong with your account. Please try again in a moment.' }
const REFUSED: Omit<InWords, 'status'> = { title: 'Twilio did not let us in', message: 'Your account may not be allowed to do this, or this app is not set up right. Those who run it have been told.' }

const NOBODY: Omit<InWords, 'status'> = { title: 'Twilio did not say who you are', message: 'So nobody was logged in, and nothing has happened to your account. Those who run this app have been told.' }

function describe(error: unknown): InWords {
  const { status, message } = statusOf(error)
  if (error instanceof LoginStateError) return { status, ...LOGIN_STATES[error.reason] }
  if (error instanceof TwilioTokenError && error.code === 'invalid_grant') {
    return { status: 403, title: 'Twilio did not accept this login', message: 'What it gave you to come back with works once, and for five minutes. Please log in again.' }
  }
  if (error instanceof NoProfileError) return { status, ...NOBODY }
  if (status > 500) return { status, ...TROUBLE }
  if (isFromTwilio(error)) return status === 429 || status === 500 ? { status: 503, ...TROUBLE } : { status: 502, ...REFUSED }
  if (status < 500) return { status, title: 'That did not work', message }
  return { status, title: 'Something went wrong', message: 'It is our mistake, and it has been noted. Please try again.' }
}

function statusOf(error: unknown): { status: number; message: string } {
  if (!(error instanceof Error)) return { status: 500, message: '' }
  const status = 'status' in error && typeof error.status === 'number' ? error.status : 500
  return { status, message: error.message }
}

/** Whether it was Twilio's answer to the app, not the browser's question, that was an error: from the login, or from the SDK. */
function isFromTwilio(error: unknown): boolean {
  return error instanceof TwilioTokenError || (error instanceof Error && 'moreInfo' in error)
}
