import type { BrowserResponse } from './browser'

/** The responses that the example app may give, by what they mean. Any other response is a bug. */
const OUTCOMES: Readonly<Record<string, (response: BrowserResponse, twilio: string) => boolean>> = {
  page: ({ status, body }) => status === 200 && body.includes('<h1'),
  'sent to Twilio': ({ status, location }, twilio) => status === 302 && location?.startsWith(`${twilio}/v1/authorize?`) === true,
  'asked to log in': ({ status, location }) => (status === 302 || status === 303) && location === '/auth/twilio',
  'asked to log in, as an API call': ({ status, body }) => status === 401 && body.includes('login_required'),
  'redirected': ({ status, location }) => (status === 302 || status === 303) && /^\/(?:(?:account|numbers|messages)(?:\?\w+)?)?$/.test(location ?? ''),
  'told that access was denied': ({ status, location }) => status === 302 && location === '/?login=denied',
  'told why a login was refused': ({ status, body }) => status === 403 && /This login (?:cannot be finished|took too long|was already used)|Twilio did not accept this login|That did not work/.test(body),
  'told what was wrong with the request': ({ status, body }) => status === 400 && body.includes('That did not work'),
  'told that there is no such page': ({ status, body }) => status === 404 && body.includes('Page not found'),
  'told that the app cannot say who they are': ({ status, body }) => [502, 503].includes(status) && /We cannot see who you are right now|We could not verify who you are/.test(body),
  'told that Twilio is unavailable': ({ status, body }) => [502, 503, 504].includes(status) && /Twilio cannot be reached right now|Twilio refused our request/.test(body)
}

export type Outcome = keyof typeof OUTCOMES

/** What a response means; `undefined` if it is not an expected one. */
export function outcomeOf(response: BrowserResponse, twilio: string): Outcome | undefined {
  return Object.keys(OUTCOMES).find((name) => OUTCOMES[name]?.(response, twilio))
}
