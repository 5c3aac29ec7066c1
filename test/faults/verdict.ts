import { inspect, isDeepStrictEqual } from 'node:util'
import { PERSON } from './provider'
import type { Account, Outcome, Row } from './row'
import { WORKS, type Observed } from './run-row'
import type { Seen } from './visitor'

/** An outcome in words, for the name of a test and for the table. */
export function inWords(outcome: Outcome): string {
  if ('loggedIn' in outcome) return 'logged in'
  if ('failure' in outcome) return "Passport's failure"
  if ('answer' in outcome) return `answered ${outcome.answer}`
  const { error, status, fields = {} } = outcome
  return `${error}${Object.values(fields).filter((value) => value !== undefined).map((value) => ` ${value}`).join('')}, ${status}`
}

/** Why a row does not hold in any library's terms; nothing for one that does. */
export function whyNotHeld({ outcome }: Row, observed: Observed): string[] {
  const { answer, account, isAlive, afterwards, inherited } = observed
  if (!isAlive) return ['the process died']
  if (typeof answer === 'string') return [answer]
  const wrong = 'answer' in outcome ? whyWrongAnswer(outcome, answer) : 'loggedIn' in outcome ? whyNotLoggedIn(outcome.loggedIn, answer, account, false) : whyNotRefused(answer, account)
  if (inherited !== '') wrong.push(`every object has inherited ${inherited}`)
  return afterwards === WORKS ? wrong : [...wrong, `the next login failed: ${afterwards}`]
}

/** Why passport-twilio does not hold a row: the above, what its errors must be, and that nothing leaks. */
export function whyNotHeldByUs(row: Row, observed: Observed): string[] {
  const { outcome } = row
  const { answer, account, errors, leaks } = observed
  const wrong = whyNotHeld(row, observed)
  if ('loggedIn' in outcome && typeof answer !== 'string') wrong.push(...whyNotLoggedIn(outcome.loggedIn, answer, account, true))
  if ('failure' in outcome && typeof answer !== 'string' && answer.headers.location !== '/denied') wrong.push(`led to ${String(answer.headers.location)}`)
  if ('error' in outcome) {
    const { error: kind, status, fields = {} } = outcome
    const wanted = { kind, status, ...fields }
    const told = errors.map((error) => ({ ...error.fields, kind: error.kind, status: typeof answer === 'string' ? 0 : answer.status }))
    const matches = (error: Readonly<Record<string, unknown>>) => Object.entries(wanted).every(([field, value]) => isDeepStrictEqual(error[field], value))
    if (!told.some(matches)) wrong.push(`errors were ${inspect(errors.map(({ kind: was, message, fields: had }) => ({ was, message, had })), { breakLength: Infinity })}`)
  }
  return [...new Set([...wrong, ...leaks])]
}

function whyNotLoggedIn(wanted: Partial<Account>, answer: Seen, account: Account | undefined, ours: boolean): string[] {
  if (!account) return [`not logged in: ${said(answer)}`]
  // Somebody who is shown an error does not know that they are in.
  if (answer.status >= 400) return [`logged in, but ${said(answer)}`]
  return Object.entries(wanted).flatMap(([field, value]) => {
    const isOursAlone = field === 'expiresIn' || field === 'hasRefreshToken'
    return (isOursAlone && !ours) || isLike(account[field as keyof Account], value) ? [] : [`${field} is ${inspect(account[field as keyof Account])}, not ${inspect(value)}`]
  })
}

/** Time passes while a row runs. */
function isLike(actual: unknown, wanted: unknown): boolean {
  if (typeof actual === 'number' && typeof wanted === 'number') return Math.abs(actual - wanted) <= Math.max(60, Math.abs(wanted) / 1000)
  return isDeepStrictEqual(actual, wanted)
}

function whyNotRefused(answer: Seen, account: Account | undefined): string[] {
  if (account) return [account.id === PERSON ? 'logged in' : `logged in as ${account.id}`]
  const { status, headers } = answer
  const refused = status >= 400 || headers.location === '/denied' || beginsAnew(answer)
  return refused ? [] : [said(answer)]
}

/** Sent to log in again: not what this package does with a bad callback, but nothing is lost by it. */
function beginsAnew({ status, headers }: Seen): boolean {
  return status === 302 && headers.location?.includes('/authorize?') === true
}

function whyWrongAnswer(wanted: { readonly answer: number; readonly location?: string }, answer: Seen): string[] {
  const wrongPlace = wanted.location !== undefined && answer.headers.location !== wanted.location
  return answer.status === wanted.answer && !wrongPlace ? [] : [said(answer)]
}

/** An answer in words: the same at each run. */
function said({ status, headers: { location } }: Seen): string {
  return location === undefined ? `answered ${status}` : `answered ${status}, to ${new URL(location, 'http://app.invalid').pathname}`
}
