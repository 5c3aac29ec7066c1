import { randomUUID } from 'node:crypto'
import { SESSION_PATH } from '../app'
import { again, answers, but, head, page, silent, whole, bytes, wire } from '../answers'
import { onlyOurs, type Fault, type Row, type Visit } from '../row'
import { logIn } from '../run-row'
import type { Seen } from '../visitor'

const noPeer = onlyOurs('leaves refreshes to the app')

/** Somebody whose token has ended asks for a page while Twilio misbehaves, and again when it is well. */
function whileRefreshing(fault: NonNullable<Fault['token']>, afterwards: 'is still logged in' | 'is asked to log in'): Fault {
  return {
    async visit({ visitor, provider }: Visit): Promise<Seen> {
      provider.fault = {}
      await logIn({ visitor, provider })
      const ended = { accessToken: provider.secret(`access-${randomUUID()}`), refreshToken: provider.secret(`refresh-${randomUUID()}`), tokenType: 'Bearer', expiresAt: Date.now() - 1000 }
      await visitor.get(SESSION_PATH, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key: 'twilioTokens', value: ended }) })
      provider.fault = { token: fault }
      const first = await visitor.get('/account', { headers: { Accept: 'application/json' } })
      provider.fault = { token: but({}) }
      const second = await visitor.get('/account', { headers: { Accept: 'application/json' } })
      // The answer that should have been another one is the one that counts.
      const wanted = afterwards === 'is still logged in' ? 200 : 401
      return second.status === wanted ? first : second
    }
  }
}

function unavailable(name: string, fault: NonNullable<Fault['token']>, why: string, settings: Row['settings'] = {}): Row {
  return { name, fault: whileRefreshing(fault, 'is still logged in'), outcome: { answer: 503 }, notApplicable: noPeer, settings, why }
}

const SHORT = { timeout: 500 }

/** When the token of a session has ended, and is refreshed. */
export const refresh: readonly Row[] = [
  { name: 'is answered as it should be', fault: whileRefreshing(but({}), 'is still logged in'), outcome: { answer: 200 }, notApplicable: noPeer, why: 'The rows below are about this way.' },
  unavailable('is not answered', () => silent, 'The page says when to come back, and the login is kept.', SHORT),
  unavailable('is answered a byte at a time', wire((socket, good) => { socket.write(head(good, 'Content-Length: 5000')); again(socket, ' ', 30) }), 'The same.', SHORT),
  unavailable('is answered with a reset', wire((socket) => socket.resetAndDestroy()), 'The same.'),
  unavailable('is answered with half of the tokens', bytes((good) => whole(good).slice(0, -20), { end: true }), 'The same.'),
  unavailable('is answered with 500', answers(500, { code: 20500, message: 'Internal server error', status: 500 }), 'The same.'),
  unavailable('is answered with 429 until the year 9999', answers(429, { code: 20429, message: 'Too many requests', status: 429, throttled_until: '9999-12-31T23:59:59Z' }), 'The same; nobody waits that long.'),
  unavailable('is answered with 429 until yesterday', answers(429, { code: 20429, message: 'Too many requests', status: 429, throttled_until: '2001-01-01T00:00:00Z' }), 'The same.'),
  unavailable('is answered with null', answers(200, null), 'The same.'),
  unavailable('is answered with HTML', page(200, '<h1>Down for maintenance</h1>'), 'The same.'),
  unavailable('is redirected elsewhere', ({ provider }) => (_request, response) => void response.writeHead(307, { Location: `${provider.url}/elsewhere` }).end(), 'The refresh token is for this address only.'),
  unavailable('is answered without an access token', but({ access_token: null }), 'The old tokens are better than none.'),
  unavailable("is answered with another app's ID token", async (good) => but({ id_token: await good.idToken({ aud: `OQ${'f'.repeat(32)}` }) })(good), 'Nobody becomes somebody else in the middle of a session.'),
  {
    name: 'is refused',
    fault: whileRefreshing(answers(400, { error: 'invalid_grant' }), 'is asked to log in'),
    outcome: { answer: 401 },
    notApplicable: noPeer,
    why: 'The refresh token is spent or revoked: only a new login helps.'
  },
  {
    name: 'is refused with status 200',
    fault: whileRefreshing(answers(200, { error: 'invalid_grant' }), 'is asked to log in'),
    outcome: { answer: 401 },
    notApplicable: noPeer,
    why: 'Some providers say no with 200.'
  }
]
