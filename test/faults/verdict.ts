import { inspect, isDeepStrictEqual } from 'node:util'
import { PERSON } from './provider'
import type { Account, Outcome, Row } from './row'
import { WORKS, type Observed } from './run-row'
import type { ReceivedResponse } from './visitor'

/** Describes an outcome, for test names and the table. */
export function describeOutcome(outcome: Outcome): string {
  if ('loggedIn' in outcome) return 'logged in'
  if ('failure' in outcome) return 'Passport failure'
  if ('responseStatus' in outcome) return `status ${outcome.responseStatus}`
  const { error, status, fields = {} } = outcome
  return `${error}${Object.values(fields).filter((value) => value !== undefined).map((value) => ` ${value}`).join('')}, ${status}`
}

/** Why a library does not pass a row; empty if it does. Applies to every library. */
export function problemsOf({ outcome }: Row, observed: Observed): string[] {
  const { response, account, isAlive, nextLogin, changedPrototype } = observed
  if (!isAlive) return ['the process crashed']
  if (typeof response === 'string') return [response]
  const problems = 'responseStatus' in outcome ? responseProblems(outcome, response) : 'loggedIn' in outcome ? loginProblems(outcome.loggedIn, response, account, false) : refusalProblems(response, account)
  if (changedPrototype !== '') problems.push(`Object.prototype was changed: ${changedPrototype}`)
  return nextLogin === WORKS ? problems : [...problems, `the next login failed: ${nextLogin}`]
}

/** Why passport-twilio does not pass a row. It must also return the right error, and leak nothing. */
export function problemsOfOurs(row: Row, observed: Observed): string[] {
  const { outcome } = row
  const { response, account, errors, leaks } = observed
  const problems = problemsOf(row, observed)
  if ('loggedIn' in outcome && typeof response !== 'string') problems.push(...loginProblems(outcome.loggedIn, response, account, true))
  if ('failure' in outcome && typeof response !== 'string' && response.headers.location !== '/denied') problems.push(`redirected to ${String(response.headers.location)}`)
  if ('error' in outcome) {
    const { error: kind, status, fields = {} } = outcome
    const expected = { kind, status, ...fields }
    const reported = errors.map((error) => ({ ...error.fields, kind: error.kind, status: typeof response === 'string' ? 0 : response.status }))
    const matches = (error: Readonly<Record<string, unknown>>) => Object.entries(expected).every(([field, value]) => isDeepStrictEqual(error[field], value))
    if (!reported.some(matches)) problems.push(`errors were ${inspect(errors.map(({ kind: was, message, fields: had }) => ({ was, message, had })), { breakLength: Infinity })}`)
  }
  return [...new Set([...problems, ...leaks])]
}

function loginProblems(expected: Partial<Account>, response: ReceivedResponse, account: Account | undefined, ours: boolean): string[] {
  if (!account) return [`not logged in: ${describeResponse(response)}`]
  // A user who sees an error page does not know that they are logged in.
  if (response.status >= 400) return [`logged in, but ${describeResponse(response)}`]
  return Object.entries(expected).flatMap(([field, value]) => {
    const isOnlyOurs = field === 'expiresIn' || field === 'hasRefreshToken'
    return (isOnlyOurs && !ours) || isSimilar(account[field as keyof Account], value) ? [] : [`${field} is ${inspect(account[field as keyof Account])}, not ${inspect(value)}`]
  })
}

/** Compares numbers with a tolerance, since time passes while a row runs. */
function isSimilar(actual: unknown, expected: unknown): boolean {
  if (typeof actual === 'number' && typeof expected === 'number') return Math.abs(actual - expected) <= Math.max(60, Math.abs(expected) / 1000)
  return isDeepStrictEqual(actual, expected)
}

function refusalProblems(response: ReceivedResponse, account: Account | undefined): string[] {
  if (account) return [account.id === PERSON ? 'logged in' : `logged in as ${account.id}`]
  const { status, headers } = response
  const refused = status >= 400 || headers.location === '/denied' || restartsLogin(response)
  return refused ? [] : [describeResponse(response)]
}

/** A redirect to log in again. passport-twilio does not do this with an invalid callback, but it is safe. */
function restartsLogin({ status, headers }: ReceivedResponse): boolean {
  return status === 302 && headers.location?.includes('/authorize?') === true
}

function responseProblems(expected: { readonly responseStatus: number; readonly location?: string }, response: ReceivedResponse): string[] {
  const hasWrongLocation = expected.location !== undefined && response.headers.location !== expected.location
  return response.status === expected.responseStatus && !hasWrongLocation ? [] : [describeResponse(response)]
}

/** Describes a response without anything that differs between runs. */
function describeResponse({ status, headers: { location } }: ReceivedResponse): string {
  return location === undefined ? `status ${status}` : `status ${status}, to ${new URL(location, 'http://app.invalid').pathname}`
}
