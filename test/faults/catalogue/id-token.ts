import { createHmac } from 'node:crypto'
import { nowInSeconds, strangerAs, unsigned } from '../../support/jwt'
import { json, text } from '../../support/twilio-server'
import { but, silent } from '../answers'
import { providersSigner, type GoodAnswer } from '../provider'
import { idTokenError, loggedIn, networkError, onlyOurs, responseError, timeoutError, type Fault, type Outcome, type Row } from '../row'
import { logIn } from '../run-row'

type Claims = Readonly<Record<string, unknown>>

function withToken(make: (good: GoodAnswer) => string | Promise<string>): Fault {
  return { token: async (good) => but({ id_token: good.provider.secret(await make(good)) })(good) }
}

function withClaims(claims: Claims | ((good: GoodAnswer) => Claims)): Fault {
  return withToken((good) => good.idToken(typeof claims === 'function' ? claims(good) : claims))
}

const byTheApp = { 'passport-oauth2': 'leaves it to the app, which is free to be stricter' }

const inSeconds = (seconds: number) => nowInSeconds() + seconds

const claims: readonly Row[] = [
  { name: 'is for another app', fault: withClaims({ aud: `OQ${'f'.repeat(32)}` }), outcome: idTokenError, why: 'Whoever runs another app has such tokens of its people (OpenID Connect Core §3.1.3.7).' },
  { name: 'is for nobody', fault: withClaims({ aud: undefined }), outcome: idTokenError, why: 'The same.' },
  { name: 'is for null', fault: withClaims({ aud: null }), outcome: idTokenError, why: 'The same.' },
  { name: 'is for an object', fault: withClaims((good) => ({ aud: { 0: good.provider.clientID, length: 1 } })), outcome: idTokenError, why: 'The same.' },
  { name: 'is for several apps, without saying to whom it was issued', fault: withClaims((good) => ({ aud: [good.provider.clientID, 'another'] })), outcome: idTokenError, why: 'Then azp is needed (§3.1.3.7, 4).' },
  { name: 'is for several apps, and was issued to another', fault: withClaims((good) => ({ aud: [good.provider.clientID, 'another'], azp: 'another' })), outcome: idTokenError, why: 'The same.' },
  { name: 'is for several apps, and was issued to this one', fault: withClaims((good) => ({ aud: [good.provider.clientID, 'another'], azp: good.provider.clientID })), outcome: loggedIn({ name: 'Zoë' }), notApplicable: byTheApp, why: 'The same.' },
  {
    name: 'comes from another issuer',
    fault: withClaims({ iss: 'https://evil.example' }),
    settings: { strategy: ({ url }) => ({ idToken: { issuer: url } }) },
    outcome: idTokenError,
    notApplicable: { 'passport-oauth2': 'has no issuer to compare with' },
    why: 'Who issued it is half of who it is about.'
  },
  { name: 'has expired', fault: withClaims(() => ({ exp: inSeconds(-120) })), outcome: idTokenError, why: 'An old token may have been stolen long ago.' },
  { name: 'does not say when it ends', fault: withClaims({ exp: undefined }), outcome: idTokenError, why: 'The same.' },
  { name: 'ends with a word', fault: withClaims({ exp: 'never' }), outcome: idTokenError, why: 'The same.' },
  { name: 'is not valid yet', fault: withClaims(() => ({ nbf: inSeconds(600) })), outcome: idTokenError, why: 'Its issuer says so.' },
  { name: 'was issued in the future', fault: withClaims(() => ({ iat: inSeconds(600) })), outcome: idTokenError, notApplicable: onlyOurs('leaves it open, as the standard does'), why: 'One of two clocks is wrong, and so is every other time in it.' },
  { name: "ended 30 s ago by this machine's clock", fault: withClaims(() => ({ exp: inSeconds(-30) })), outcome: loggedIn({ name: 'Zoë' }), notApplicable: { ...byTheApp, "openid-client's strategy": 'draws its own line at exactly 30 s' }, why: 'Clocks are that far apart, and nobody is to blame.' },
  { name: "was issued in 30 s by this machine's clock", fault: withClaims(() => ({ iat: inSeconds(30), nbf: inSeconds(30) })), outcome: loggedIn({ name: 'Zoë' }), why: 'The same.' },
  {
    name: 'is about an object',
    fault: withClaims({ sub: { toString: 'x', id: 1 }, name: ['a'], email: {} }),
    outcome: loggedIn(),
    notApplicable: { 'passport-oauth2': 'does not read it', "openid-client's strategy": 'demands the full form of OpenID Connect, which Twilio does not promise' },
    why: 'The access token says who it is; what an app is given as text is text.'
  }
]

const form: readonly Row[] = [
  { name: 'is not signed (none)', fault: withToken((good) => unsigned(good.idClaims, { alg: 'none' })), outcome: idTokenError, why: 'Anybody can write one (RFC 8725 §3.2).' },
  { name: 'is not signed (nOnE)', fault: withToken((good) => unsigned(good.idClaims, { alg: 'nOnE' })), outcome: idTokenError, why: 'The same.' },
  { name: 'is not signed, and has no signature', fault: withToken((good) => unsigned(good.idClaims, { alg: 'none' }).replace(/[^.]+$/, '')), outcome: idTokenError, why: 'The same.' },
  { name: 'names no algorithm', fault: withToken((good) => unsigned(good.idClaims, {})), outcome: idTokenError, why: 'The same.' },
  { name: 'is garbage', fault: withToken(() => 'garbage-that-is-no-token-at-all'), outcome: idTokenError, why: 'What cannot be read says nothing.' },
  { name: 'is garbage in three parts', fault: withToken(() => '!!!!garbage.####garbage.$$$$garbage'), outcome: idTokenError, why: 'The same.' },
  { name: 'has claims that are an array', fault: withToken(() => unsigned(['a'])), outcome: idTokenError, why: 'The same.' },
  { name: 'has claims that are null', fault: withToken(() => unsigned(null)), outcome: idTokenError, why: 'The same.' },
  { name: 'is encrypted', fault: withToken(() => 'eyJhbGciOiJSU0EtT0FFUCJ9.a2V5a2V5a2V5.aXZpdml2.Y2lwaGVydGV4dA.dGFndGFn'), outcome: idTokenError, why: 'Nobody asked for that, nor could read it.' },
  {
    name: 'nests 20,000 deep',
    fault: withToken((good) => {
      const header = Buffer.from('{"alg":"RS256"}').toString('base64url')
      const deep = `${JSON.stringify(good.idClaims).slice(0, -1)},"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
      return `${header}.${Buffer.from(deep).toString('base64url')}.c2lnbmF0dXJl`
    }),
    outcome: idTokenError,
    notApplicable: { 'passport-oauth2': 'keeps no claims', "openid-client's strategy": 'this app keeps none of the others' },
    why: 'Whoever walks it, a session store for one, runs out of stack.'
  },
  { name: 'is 1 MB', fault: withClaims({ padding: 'x'.repeat(1_000_000) }), outcome: responseError, notApplicable: onlyOurs('has no limit of its own'), why: 'No ID token is; nobody wants it in a session.' }
]

/** With the provider's public keys at an address. */
const signed = { checksSignature: true }
const cannotCheck = { 'passport-oauth2': 'checks no signatures' }

/** openid-client asks for keys anew at most once a minute, which these rows do not wait for. */
const keepsKeys = { "openid-client's strategy": 'asks for keys anew at most once a minute' }

function signature(name: string, fault: Fault, outcome: Outcome, why: string, { settings = {}, notApplicable = {} }: Pick<Row, 'settings' | 'notApplicable'> = {}): Row {
  return { name, fault, outcome, why, settings: { ...signed, ...settings }, notApplicable: { ...cannotCheck, ...notApplicable } }
}

const SHARED_SECRET = 'a secret that everybody can read'
const SHARED_KEY = { kty: 'oct', k: Buffer.from(SHARED_SECRET).toString('base64url'), alg: 'HS256', kid: 'shared' }

/** The token, signed (HS256) by whoever has the secret. */
function sharedSecretToken(token: string, secret: string): string {
  const signed = token.replace(/\.[^.]+$/, '')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const keys: readonly Row[] = [
  signature('is signed by Twilio, and that is checked', {}, loggedIn({ name: 'Zoë' }), 'The rows below are about this check.'),
  signature("is signed by somebody else, under the name of Twilio's key", withToken(async (good) => good.idToken({}, await strangerAs('key-1'))), idTokenError, 'A name is no key.'),
  signature('is signed by a key that nobody knows', withToken(async (good) => good.idToken({}, await strangerAs('another-key'))), idTokenError, 'The same.'),
  signature(
    'is signed with the public key as a shared secret',
    withToken(async (good) => {
      const { jwk } = await providersSigner()
      return sharedSecretToken(unsigned(good.idClaims, { alg: 'HS256', kid: 'key-1' }), JSON.stringify(jwk))
    }),
    idTokenError,
    'Everybody has the public key (RFC 8725 §3.1).'
  ),
  signature(
    'is signed with a shared secret that is among the keys',
    {
      ...withToken((good) => sharedSecretToken(unsigned(good.idClaims, { alg: 'HS256', kid: 'shared' }), SHARED_SECRET)),
      keys: (...asked) => void providersSigner().then(({ jwk }) => json(200, { keys: [jwk, SHARED_KEY] })(...asked))
    },
    idTokenError,
    'What stands at a public address is no secret.'
  ),
  {
    ...signature(
      'brings its own key',
      withToken(async (good) => {
        const own = await strangerAs('own')
        const header = { kid: undefined, jwk: own.jwk, jku: 'https://evil.example/keys' }
        return good.idToken({}, { ...own, sign: (claims) => own.sign(claims, header) })
      }),
      idTokenError,
      'Whoever signs does not choose the key (RFC 8725 §3.10).'
    ),
    id: 'SEC-20'
  },
  signature('was changed after it was signed', withToken(async (good) => (await good.idToken({})).replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...good.idClaims, sub: 'US99999999999999999999999999999999' })).toString('base64url')}.`)), idTokenError, 'That is what signatures are for.'),
  signature('demands an extension that nobody knows', withToken(async (good) => (await good.idToken({})).replace(/^[^.]+/, Buffer.from('{"alg":"RS256","kid":"key-1","crit":["x"],"x":1}').toString('base64url'))), idTokenError, 'RFC 7515 §4.1.11.'),
  signature(
    'is signed by a key that is new since the last login',
    {
      async visit({ visitor, provider, stranger: other }) {
        // The keys are known by then, and they are asked for anew at most once a second.
        await logIn({ visitor: other(), provider })
        await new Promise((resolve) => setTimeout(resolve, 1100))
        const rotated = await strangerAs('key-2')
        const { jwk } = await providersSigner()
        provider.fault = { ...withToken((good) => good.idToken({}, rotated)), keys: json(200, { keys: [jwk, rotated.jwk] }) }
        return logIn({ visitor, provider })
      }
    },
    loggedIn({ name: 'Zoë' }),
    'Keys are rotated, and nobody restarts their app for that.',
    { notApplicable: keepsKeys }
  ),
  signature('cannot be checked: the keys are refused', { keys: (_request, _response, socket) => void socket.resetAndDestroy() }, networkError, 'Without keys nobody is believed.'),
  signature('cannot be checked: the keys are silent', { keys: silent }, timeoutError, 'The person must not wait forever.', { settings: { timeout: 400 } }),
  signature('cannot be checked: the keys are an error', { keys: text(500, 'Oops') }, responseError, 'Without keys nobody is believed.'),
  signature('cannot be checked: the keys are a redirect', { keys: (_request, response) => void response.writeHead(302, { Location: 'https://evil.example/keys' }).end() }, responseError, 'Keys come from their own address.'),
  signature('cannot be checked: the keys are null', { keys: json(200, null) }, idTokenError, 'Without keys nobody is believed.'),
  signature('cannot be checked: the keys are garbage', { keys: json(200, { keys: [null, 5, { kty: 'RSA', kid: 'key-1', n: '!!', e: '' }] }) }, idTokenError, 'The same.'),
  signature('cannot be checked: there are no keys', { keys: json(200, { keys: [] }) }, idTokenError, 'The same.', { notApplicable: keepsKeys }),
  signature('cannot be checked: the keys do not end', { keys: text(200, ' '.repeat(2_000_000)) }, responseError, 'Memory is not endless.'),
  {
    name: 'is missing, where it is required',
    fault: { token: but({ id_token: null }) },
    settings: { strategy: () => ({ idToken: { required: true } }) },
    outcome: idTokenError,
    notApplicable: { 'passport-oauth2': 'cannot require one', "openid-client's strategy": 'requires one with a nonce alone' },
    why: 'The app said so.'
  }
]

export const idToken: readonly Row[] = [...claims, ...form, ...keys]
