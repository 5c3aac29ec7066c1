import { json, text } from '../../support/twilio-server'
import { silent } from '../answers'
import { loggedIn, networkError, onlyOurs, responseError, timeoutError, tokenError, type Outcome, type Row } from '../row'

const resolve = { strategy: () => ({ resolveAuthorizeURL: true }) }
const noPeer = onlyOurs('sends the browser to the authorize endpoint, and never asks it itself')

function row(name: string, authorize: Row['fault']['authorize'], outcome: Outcome, why: string, settings: Row['settings'] = {}): Row {
  return { name, fault: authorize ? { authorize } : {}, outcome, why, settings: { ...resolve, ...settings }, notApplicable: noPeer }
}

const addresses: Readonly<Record<string, unknown>> = {
  'no URL': 'http://[nowhere',
  'a script': 'javascript:alert(document.cookie)',
  'a document in itself': 'data:text/html,<h1>Log in</h1>',
  'another host': 'https://evil.example/login',
  'another host, with a name that ends like Twilio': 'https://eviltwilio.com/login',
  'another host, with a name that begins like Twilio': 'https://www.twilio.com.evil.example/login',
  'another host, with Twilio as its user': 'https://www.twilio.com@evil.example/login',
  'another host, without a protocol': '//evil.example/login',
  'another host, behind backslashes': '\\\\evil.example\\login',
  'plain http': 'http://www.twilio.com/login',
  'a number': 5,
  'an array': ['https://www.twilio.com/login'],
  'an object': { href: 'https://www.twilio.com/login' }
}

/** When the app asks Twilio for the page to log in on (`resolveAuthorizeURL`). */
export const authorizeEndpoint: readonly Row[] = [
  row('answers as it should', undefined, loggedIn(), 'The rows below are about this way.'),
  row('gives null, and no Location', json(302, { redirect_to: null }), responseError, 'The contract lets it be null; then there is nowhere to go.'),
  row('gives nothing', json(302, {}), responseError, 'The same.'),
  ...Object.entries(addresses).map(([what, target]) => row(`gives ${what}`, json(302, { redirect_to: target }), responseError, "A browser is sent to Twilio only: whoever writes this answer must not choose another's page.")),
  row('gives another host in Location', json(302, { redirect_to: null }, { Location: 'https://evil.example/login' }), responseError, 'The same.'),
  row('gives an address with 200', json(200, { redirect_to: 'https://www.twilio.com/login' }), responseError, 'The contract knows 302 alone; 200 is another page.'),
  row("a 400 of Twilio's", json(400, { code: 20001, message: 'Invalid ClientId', status: 400 }), tokenError('invalid_grant', 400, { twilioCode: 20001 }), 'Told before the browser is sent anywhere.'),
  row("a 429 of Twilio's", json(429, { code: 20429, message: 'Too many requests', status: 429 }), tokenError('temporarily_unavailable', 429), 'The same.'),
  row('answers HTML', text(200, '<h1>Log in</h1>', { 'Content-Type': 'text/html' }), responseError, 'A page is no address.'),
  row('answers 500 in HTML', text(500, '<h1>Oops</h1>', { 'Content-Type': 'text/html' }), tokenError('server_error', 500), 'A balancer answers so.'),
  row('answers null', json(302, null), responseError, 'JSON that is no object has no fields to read.'),
  row('is silent', silent, timeoutError, 'The person must not wait forever.', { timeout: 400 }),
  row('closes without an answer', (_request, _response, socket) => void socket.end(), networkError, 'A proxy that restarts does so.')
]
