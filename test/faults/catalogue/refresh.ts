import { randomUUID } from 'node:crypto'
import { nowInSeconds } from '../../support/jwt'
import { json, type Behaviour } from '../../support/twilio-server'
import { SESSION_PATH } from '../app'
import { again, answers, but, head, page, silent, whole, bytes, wire } from '../answers'
import type { GoodAnswer } from '../provider'
import { onlyOurs, type Fault, type Row, type Visit } from '../row'
import { logIn } from '../run-row'
import type { Seen } from '../visitor'

const noPeer = onlyOurs('leaves refreshes to the app')

interface Held {
  readonly accessToken: string
  readonly refreshToken: string
}

/** What Twilio does with a refresh, given the tokens that the session held at first. */
type RefreshFault = (good: GoodAnswer, held: Held) => ReturnType<NonNullable<Fault['token']>>

interface While {
  readonly afterwards: 'is still logged in' | 'is asked to log in'
  /** How many pages are asked for meanwhile; each must be answered as the first. */
  readonly pages?: number
  /** Whether Twilio has taken the refresh token, and will refuse it from then on. */
  readonly spends?: boolean
  readonly keys?: Behaviour
}

/** Somebody whose token has ended asks for pages while Twilio misbehaves, and again when it is well. */
function whileRefreshing(fault: RefreshFault, { afterwards, pages = 1, spends = false, keys }: While): Fault {
  return {
    async visit({ visitor, provider }: Visit): Promise<Seen> {
      // The keys must not be known before.
      provider.fault = { token: but({ id_token: null }) }
      await logIn({ visitor, provider })
      const held = { accessToken: provider.secret(`access-${randomUUID()}`), refreshToken: provider.secret(`refresh-${randomUUID()}`) }
      await visitor.get(SESSION_PATH, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key: 'twilioTokens', value: { ...held, tokenType: 'Bearer', expiresAt: Date.now() - 1000 } }) })
      const ask = () => visitor.get('/account', { headers: { Accept: 'application/json' } })
      const spent = new Set<string>()
      provider.fault = { token: takingEachOnce(spent, spends, (good) => fault(good, held)), ...(keys ? { keys } : {}) }
      const first = await ask()
      for (let page = 1; page < pages; page++) {
        const next = await ask()
        if (next.status !== first.status) return next
      }
      provider.fault = { token: takingEachOnce(spent, true, but({})) }
      const last = await ask()
      // The answer that should have been another one is the one that counts.
      const wanted = afterwards === 'is still logged in' ? 200 : 401
      return last.status === wanted ? first : last
    }
  }
}

/** Refuses a refresh token that was spent, so that it shows when what it was spent for got lost. */
function takingEachOnce(spent: Set<string>, spends: boolean, fault: NonNullable<Fault['token']>): NonNullable<Fault['token']> {
  return (good) => {
    const { form } = good.request
    const token = form.get('RefreshToken') ?? form.get('refresh_token') ?? ''
    if (spent.has(token)) return json(400, { error: 'invalid_grant' })
    if (spends) spent.add(token)
    return fault(good)
  }
}

/** Tokens that have ended at once, so that the next page needs a refresh again; the first of them in the place of what the session held. */
function endedAgain(...changes: readonly ((held: Held) => Partial<Record<'access_token' | 'refresh_token', string | null>>)[]): RefreshFault {
  let times = 0
  return (good, held) => but({ expires_in: 0.001, id_token: null, ...changes[times++ % changes.length]?.(held) })(good)
}

function unavailable(name: string, fault: NonNullable<Fault['token']>, why: string, settings: Row['settings'] = {}): Row {
  return { name, fault: whileRefreshing(fault, { afterwards: 'is still logged in' }), outcome: { answer: 503 }, notApplicable: noPeer, settings, why }
}

/** The new tokens are there, whatever is wrong beside them. */
function renewed(name: string, fault: RefreshFault, why: string, { settings = {}, ...during }: Omit<While, 'afterwards'> & Pick<Row, 'settings'> = { spends: true }): Row {
  return { name, fault: whileRefreshing(fault, { afterwards: 'is still logged in', ...during }), outcome: { answer: 200 }, notApplicable: noPeer, settings, why }
}

/** Asked to log in, while the session keeps what it has. */
function refused(name: string, fault: RefreshFault): Row {
  return { name, fault: whileRefreshing(fault, { afterwards: 'is still logged in', pages: 2 }), outcome: { answer: 401 }, notApplicable: noPeer, why: 'It will not pass by itself, so nobody is told to try again; once the app is mended, the session goes on.' }
}

const SHORT = { timeout: 500 }

/** When the token of a session has ended, and is refreshed. */
export const refresh: readonly Row[] = [
  renewed('is answered as it should be', but({}), 'The rows below are about this way.'),
  renewed('is answered with the same access token, and no refresh token', endedAgain(({ accessToken }) => ({ access_token: accessToken, refresh_token: null })), 'Nothing was spent: Twilio is asked again, and nobody waits for ever.', { pages: 2 }),
  renewed('is answered with the same access token and refresh token', endedAgain(({ accessToken, refreshToken }) => ({ access_token: accessToken, refresh_token: refreshToken })), 'The same.', { pages: 2 }),
  renewed('is answered with two pairs of tokens in turn', endedAgain(() => ({ access_token: 'access-other', refresh_token: 'refresh-other' }), ({ accessToken, refreshToken }) => ({ access_token: accessToken, refresh_token: refreshToken })), 'The same: what is remembered must not lead round in a circle.', { pages: 4 }),
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
  renewed("is answered with another app's ID token", async (good) => but({ id_token: await good.idToken({ aud: `OQ${'f'.repeat(32)}` }) })(good), 'It is left out: nobody becomes somebody else, and the refresh token is spent.'),
  renewed('is answered with an ID token that has expired', async (good) => but({ id_token: await good.idToken({ exp: nowInSeconds() - 120 }) })(good), 'The same.'),
  renewed('is answered with an ID token whose keys cannot be had', but({}), 'The same.', { spends: true, keys: (_request, _response, socket) => socket.destroy(), settings: { checksSignature: true } }),
  {
    name: 'is refused',
    fault: whileRefreshing(answers(400, { error: 'invalid_grant' }), { afterwards: 'is asked to log in' }),
    outcome: { answer: 401 },
    notApplicable: noPeer,
    why: 'The refresh token is spent or revoked: only a new login helps.'
  },
  {
    name: 'is refused with status 200',
    fault: whileRefreshing(answers(200, { error: 'invalid_grant' }), { afterwards: 'is asked to log in' }),
    outcome: { answer: 401 },
    notApplicable: noPeer,
    why: 'Some providers say no with 200.'
  },
  refused('is refused with unauthorized_client', answers(400, { error: 'unauthorized_client' })),
  refused('is refused with invalid_request', answers(400, { error: 'invalid_request' })),
  refused("is refused with 403 in Twilio's shape", answers(403, { code: 20403, message: 'Forbidden', status: 403 })),
  refused("is refused with 404 in Twilio's shape", answers(404, { code: 20404, message: 'Not found', status: 404 }))
]
