import { json, text } from '../../support/twilio-server'
import { neverResponds } from '../responses'
import { loggedIn, networkError, notForPeers, responseError, timeoutError, tokenError, type Outcome, type Row } from '../row'

const resolve = { strategy: () => ({ resolveAuthorizeURL: true }) }
const noPeer = notForPeers('never requests the authorize endpoint itself: it redirects the browser to it')

function row(name: string, authorize: Row['fault']['authorize'], outcome: Outcome, why: string, settings: Row['settings'] = {}): Row {
  return { name, fault: authorize ? { authorize } : {}, outcome, why, settings: { ...resolve, ...settings }, notApplicable: noPeer }
}

const addresses: Readonly<Record<string, unknown>> = {
  'an invalid URL': 'http://[nowhere',
  'a javascript: URL': 'javascript:alert(document.cookie)',
  'a data: URL': 'data:text/html,<h1>Log in</h1>',
  'another host': 'https://evil.example/login',
  'another host whose name ends like that of Twilio': 'https://eviltwilio.com/login',
  'another host whose name begins like that of Twilio': 'https://www.twilio.com.evil.example/login',
  "another host, with Twilio's host as the user name": 'https://www.twilio.com@evil.example/login',
  'another host, in a URL without a scheme': '//evil.example/login',
  'another host, after backslashes': '\\\\evil.example\\login',
  'an http: URL': 'http://www.twilio.com/login',
  'a number': 5,
  'an array': ['https://www.twilio.com/login'],
  'an object': { href: 'https://www.twilio.com/login' }
}

/** Faults while the app asks Twilio for the URL of the login page (`resolveAuthorizeURL`). */
export const authorizeEndpoint: readonly Row[] = [
  row('responds correctly', undefined, loggedIn(), 'This is the normal case that the rows below break.'),
  row('returns null and no Location header', json(302, { redirect_to: null }), responseError, 'The API contract allows null, but then there is no URL to redirect to.'),
  row('returns an empty object', json(302, {}), responseError, 'The API contract allows null, but then there is no URL to redirect to.'),
  ...Object.entries(addresses).map(([what, target]) => row(`returns ${what}`, json(302, { redirect_to: target }), responseError, 'The browser must only be sent to Twilio, even if the response is forged.')),
  row('returns another host in the Location header', json(302, { redirect_to: null }, { Location: 'https://evil.example/login' }), responseError, 'The browser must only be sent to Twilio, even if the response is forged.'),
  row('returns a URL with status 200', json(200, { redirect_to: 'https://www.twilio.com/login' }), responseError, 'The API contract only defines 302.'),
  row('returns a Twilio error with status 400', json(400, { code: 20001, message: 'Invalid ClientId', status: 400 }), tokenError('invalid_request', 502, { twilioCode: 20001 }), 'The error must be reported before the browser is redirected.'),
  row('returns a Twilio error with status 429', json(429, { code: 20429, message: 'Too many requests', status: 429 }), tokenError('temporarily_unavailable', 429), 'The error must be reported before the browser is redirected.'),
  row('responds with HTML', text(200, '<h1>Log in</h1>', { 'Content-Type': 'text/html' }), responseError, 'A page contains no URL to redirect to.'),
  row('responds with 500 and HTML', text(500, '<h1>Oops</h1>', { 'Content-Type': 'text/html' }), tokenError('server_error', 500), 'Load balancers do this.'),
  row('responds with null', json(302, null), responseError, 'Only a JSON object has fields to read.'),
  row('never responds', neverResponds, timeoutError, 'The user must not wait forever.', { timeout: 400 }),
  row('closes the connection without a response', (_request, _response, socket) => void socket.end(), networkError, 'A proxy does this when it restarts.')
]
