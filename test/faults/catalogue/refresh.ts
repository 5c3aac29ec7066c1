import { randomUUID } from 'node:crypto'
import { nowInSeconds } from '../../support/jwt'
import { json, type Behaviour } from '../../support/twilio-server'
import { SESSION_PATH } from '../app'
import { repeatedly, respondWith, withFields, head, html, neverResponds, completeResponse, rawBytes, rawSocket } from '../responses'
import type { GoodResponse } from '../provider'
import { notForPeers, type Fault, type Row, type Visit } from '../row'
import { logIn } from '../run-row'
import type { ReceivedResponse } from '../visitor'

const noPeer = notForPeers('leaves refreshing to the app')

interface InitialTokens {
  readonly accessToken: string
  readonly refreshToken: string
}

/** What Twilio does with a refresh. `initial` are the tokens that the session has at first. */
type RefreshFault = (good: GoodResponse, initial: InitialTokens) => ReturnType<NonNullable<Fault['token']>>

interface Expectations {
  readonly afterwards: 'is still logged in' | 'is asked to log in'
  /** How many pages are requested while the fault lasts. All responses must have the same status. */
  readonly pages?: number
  /** Whether Twilio uses up the refresh token, and refuses it from then on. */
  readonly usesUpToken?: boolean
  readonly keys?: Behaviour
}

/** Requests pages with an expired token while the fault lasts, and once more when Twilio works again. */
function whileRefreshing(fault: RefreshFault, { afterwards, pages = 1, usesUpToken = false, keys }: Expectations): Fault {
  return {
    async visit({ visitor, provider }: Visit): Promise<ReceivedResponse> {
      // Without an ID token, this login does not load the keys into the cache.
      provider.fault = { token: withFields({ id_token: null }) }
      await logIn({ visitor, provider })
      const initial = { accessToken: provider.secret(`access-${randomUUID()}`), refreshToken: provider.secret(`refresh-${randomUUID()}`) }
      await visitor.get(SESSION_PATH, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key: 'twilioTokens', value: { ...initial, tokenType: 'Bearer', expiresAt: Date.now() - 1000 } }) })
      const openPage = () => visitor.get('/account', { headers: { Accept: 'application/json' } })
      const usedTokens = new Set<string>()
      provider.fault = { token: acceptingEachTokenOnce(usedTokens, usesUpToken, (good) => fault(good, initial)), ...(keys ? { keys } : {}) }
      const first = await openPage()
      for (let page = 1; page < pages; page++) {
        const next = await openPage()
        if (next.status !== first.status) return next
      }
      provider.fault = { token: acceptingEachTokenOnce(usedTokens, true, withFields({})) }
      const last = await openPage()
      // If this last response is wrong, it is the one to report.
      const expected = afterwards === 'is still logged in' ? 200 : 401
      return last.status === expected ? first : last
    }
  }
}

/** Refuses a used refresh token, as Twilio does. This reveals it if the tokens from a refresh are lost. */
function acceptingEachTokenOnce(usedTokens: Set<string>, usesUpToken: boolean, fault: NonNullable<Fault['token']>): NonNullable<Fault['token']> {
  return (good) => {
    const { form } = good.request
    const token = form.get('RefreshToken') ?? form.get('refresh_token') ?? ''
    if (usedTokens.has(token)) return json(400, { error: 'invalid_grant' })
    if (usesUpToken) usedTokens.add(token)
    return fault(good)
  }
}

/** Returns tokens that expire immediately, so that the next page needs a refresh again. */
function expiredTokens(...changes: readonly ((initial: InitialTokens) => Partial<Record<'access_token' | 'refresh_token', string | null>>)[]): RefreshFault {
  let times = 0
  return (good, initial) => withFields({ expires_in: 0.001, id_token: null, ...changes[times++ % changes.length]?.(initial) })(good)
}

function unavailable(name: string, fault: NonNullable<Fault['token']>, why: string, settings: Row['settings'] = {}): Row {
  return { name, fault: whileRefreshing(fault, { afterwards: 'is still logged in' }), outcome: { responseStatus: 503 }, notApplicable: noPeer, settings, why }
}

/** The refresh succeeds in spite of the fault. */
function refreshed(name: string, fault: RefreshFault, why: string, { settings = {}, ...expectations }: Omit<Expectations, 'afterwards'> & Pick<Row, 'settings'> = { usesUpToken: true }): Row {
  return { name, fault: whileRefreshing(fault, { afterwards: 'is still logged in', ...expectations }), outcome: { responseStatus: 200 }, notApplicable: noPeer, settings, why }
}

/** Twilio refuses the app, not the person, who stays logged in. */
function refused(name: string, fault: RefreshFault): Row {
  return { name, fault: whileRefreshing(fault, { afterwards: 'is still logged in', pages: 2 }), outcome: { responseStatus: 503 }, notApplicable: noPeer, why: "The mistake is the app's, so nobody is logged out. Once the app is fixed, the session works again." }
}

const SHORT = { timeout: 500 }

/** Faults while an expired access token is refreshed. */
export const refresh: readonly Row[] = [
  refreshed('succeeds', withFields({}), 'This is the normal case that the rows below break.'),
  refreshed('returns the same access token and no refresh token', expiredTokens(({ accessToken }) => ({ access_token: accessToken, refresh_token: null })), 'The refresh token was not used up, so the next request refreshes again, and no request waits forever.', { pages: 2 }),
  refreshed('returns the same access token and refresh token', expiredTokens(({ accessToken, refreshToken }) => ({ access_token: accessToken, refresh_token: refreshToken })), 'The refresh token was not used up, so the next request refreshes again, and no request waits forever.', { pages: 2 }),
  refreshed('returns two pairs of tokens alternately', expiredTokens(() => ({ access_token: 'access-other', refresh_token: 'refresh-other' }), ({ accessToken, refreshToken }) => ({ access_token: accessToken, refresh_token: refreshToken })), 'Remembered refreshes must not lead in a circle.', { pages: 4 }),
  unavailable('gets no response', () => neverResponds, 'The response says when to retry, and the user stays logged in.', SHORT),
  unavailable('gets a response one byte at a time', rawSocket((socket, good) => { socket.write(head(good, 'Content-Length: 5000')); repeatedly(socket, ' ', 30) }), 'The response says when to retry, and the user stays logged in.', SHORT),
  unavailable('is interrupted by a connection reset', rawSocket((socket) => socket.resetAndDestroy()), 'The response says when to retry, and the user stays logged in.'),
  unavailable('gets half a response', rawBytes((good) => completeResponse(good).slice(0, -20), { end: true }), 'The response says when to retry, and the user stays logged in.'),
  unavailable('gets status 500', respondWith(500, { code: 20500, message: 'Internal server error', status: 500 }), 'The response says when to retry, and the user stays logged in.'),
  unavailable('gets status 429 until the year 9999', respondWith(429, { code: 20429, message: 'Too many requests', status: 429, throttled_until: '9999-12-31T23:59:59Z' }), 'The response says when to retry, but never after years.'),
  unavailable('gets status 429 until yesterday', respondWith(429, { code: 20429, message: 'Too many requests', status: 429, throttled_until: '2001-01-01T00:00:00Z' }), 'The response says when to retry, and the user stays logged in.'),
  unavailable('gets null', respondWith(200, null), 'The response says when to retry, and the user stays logged in.'),
  unavailable('gets HTML', html(200, '<h1>Down for maintenance</h1>'), 'The response says when to retry, and the user stays logged in.'),
  unavailable('is redirected to another URL', ({ provider }) => (_request, response) => void response.writeHead(307, { Location: `${provider.url}/elsewhere` }).end(), 'The refresh token must only be sent to this URL.'),
  unavailable('returns no access token', withFields({ access_token: null }), 'The old tokens are better than none.'),
  refreshed("returns another app's ID token", async (good) => withFields({ id_token: await good.idToken({ aud: `OQ${'f'.repeat(32)}` }) })(good), 'The ID token is ignored, so the user does not change. The other new tokens are kept, since the old refresh token is used up.'),
  refreshed('returns an expired ID token', async (good) => withFields({ id_token: await good.idToken({ exp: nowInSeconds() - 120 }) })(good), 'The ID token is ignored, so the user does not change. The other new tokens are kept, since the old refresh token is used up.'),
  refreshed('returns an ID token whose keys cannot be fetched', withFields({}), 'The ID token is ignored, so the user does not change. The other new tokens are kept, since the old refresh token is used up.', { usesUpToken: true, keys: (_request, _response, socket) => socket.destroy(), settings: { checksSignature: true } }),
  {
    name: 'is refused',
    fault: whileRefreshing(respondWith(400, { error: 'invalid_grant' }), { afterwards: 'is asked to log in' }),
    outcome: { responseStatus: 401 },
    notApplicable: noPeer,
    why: 'The refresh token is used up or revoked, so the user has to log in again.'
  },
  {
    name: 'is refused with status 200',
    fault: whileRefreshing(respondWith(200, { error: 'invalid_grant' }), { afterwards: 'is asked to log in' }),
    outcome: { responseStatus: 401 },
    notApplicable: noPeer,
    why: 'Some providers return errors with status 200.'
  },
  refused('is refused with unauthorized_client', respondWith(400, { error: 'unauthorized_client' })),
  refused('is refused with invalid_request', respondWith(400, { error: 'invalid_request' })),
  refused('is refused with a Twilio error with status 403', respondWith(403, { code: 20403, message: 'Forbidden', status: 403 })),
  refused('is refused with a Twilio error with status 404', respondWith(404, { code: 20404, message: 'Not found', status: 404 }))
]
