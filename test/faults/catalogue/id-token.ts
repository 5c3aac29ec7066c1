import { createHmac } from 'node:crypto'
import { nowInSeconds, strangerAs, unsigned } from '../../support/jwt'
import { json, text } from '../../support/twilio-server'
import { withFields, neverResponds } from '../responses'
import { providersSigner, type GoodResponse } from '../provider'
import { idTokenError, loggedIn, networkError, notForPeers, responseError, timeoutError, type Fault, type Outcome, type Row } from '../row'
import { logIn } from '../run-row'

type Claims = Readonly<Record<string, unknown>>

function withToken(make: (good: GoodResponse) => string | Promise<string>): Fault {
  return { token: async (good) => withFields({ id_token: good.provider.secret(await make(good)) })(good) }
}

function withClaims(claims: Claims | ((good: GoodResponse) => Claims)): Fault {
  return withToken((good) => good.idToken(typeof claims === 'function' ? claims(good) : claims))
}

const byTheApp = { 'passport-oauth2': 'leaves this check to the app, which may be stricter' }

const inSeconds = (seconds: number) => nowInSeconds() + seconds

const claims: readonly Row[] = [
  { name: 'is for another app', fault: withClaims({ aud: `OQ${'f'.repeat(32)}` }), outcome: idTokenError, why: "The owner of another app has such tokens of that app's users (OpenID Connect Core §3.1.3.7)." },
  { name: 'has no audience', fault: withClaims({ aud: undefined }), outcome: idTokenError, why: 'The audience must be this app (OpenID Connect Core §3.1.3.7).' },
  { name: 'has a null audience', fault: withClaims({ aud: null }), outcome: idTokenError, why: 'The audience must be this app (OpenID Connect Core §3.1.3.7).' },
  { name: 'has an object as its audience', fault: withClaims((good) => ({ aud: { 0: good.provider.clientID, length: 1 } })), outcome: idTokenError, why: 'The audience must be this app (OpenID Connect Core §3.1.3.7).' },
  { name: 'has several audiences and no azp', fault: withClaims((good) => ({ aud: [good.provider.clientID, 'another'] })), outcome: idTokenError, why: 'Several audiences require azp to be this app (OpenID Connect Core §3.1.3.7).' },
  { name: 'has several audiences and the azp of another app', fault: withClaims((good) => ({ aud: [good.provider.clientID, 'another'], azp: 'another' })), outcome: idTokenError, why: 'Several audiences require azp to be this app (OpenID Connect Core §3.1.3.7).' },
  { name: 'has several audiences and the azp of this app', fault: withClaims((good) => ({ aud: [good.provider.clientID, 'another'], azp: good.provider.clientID })), outcome: loggedIn({ name: 'Zoë' }), notApplicable: byTheApp, why: 'Several audiences require azp to be this app (OpenID Connect Core §3.1.3.7).' },
  {
    name: 'comes from another issuer',
    fault: withClaims({ iss: 'https://evil.example' }),
    settings: { strategy: ({ url }) => ({ idToken: { issuer: url } }) },
    outcome: idTokenError,
    notApplicable: { 'passport-oauth2': 'has no issuer to compare it with' },
    why: 'A subject is only unique together with its issuer.'
  },
  { name: 'has expired', fault: withClaims(() => ({ exp: inSeconds(-120) })), outcome: idTokenError, why: 'An old token may have been stolen.' },
  { name: 'has no exp', fault: withClaims({ exp: undefined }), outcome: idTokenError, why: 'The token might have expired.' },
  { name: 'has an exp that is not a number', fault: withClaims({ exp: 'never' }), outcome: idTokenError, why: 'The token might have expired.' },
  { name: 'is not valid yet', fault: withClaims(() => ({ nbf: inSeconds(600) })), outcome: idTokenError, why: 'Its nbf claim is in the future.' },
  { name: 'was issued in the future', fault: withClaims(() => ({ iat: inSeconds(600) })), outcome: idTokenError, notApplicable: notForPeers('allows it, as the standard does'), why: 'One of the two clocks is wrong, so no time in the token can be trusted.' },
  { name: "expired 30 s ago by this machine's clock", fault: withClaims(() => ({ exp: inSeconds(-30) })), outcome: loggedIn({ name: 'Zoë' }), notApplicable: { ...byTheApp, "openid-client's strategy": 'has a tolerance of exactly 30 s' }, why: 'Clocks may differ by this much.' },
  { name: "was issued 30 s in the future by this machine's clock", fault: withClaims(() => ({ iat: inSeconds(30), nbf: inSeconds(30) })), outcome: loggedIn({ name: 'Zoë' }), why: 'Clocks may differ by this much.' },
  {
    name: 'has an object as its subject',
    fault: withClaims({ sub: { toString: 'x', id: 1 }, name: ['a'], email: {} }),
    outcome: loggedIn(),
    notApplicable: { 'passport-oauth2': 'does not read it', "openid-client's strategy": 'requires full OpenID Connect, which Twilio does not promise' },
    why: 'The access token identifies the user, and the app must only get text where it expects text.'
  }
]

const form: readonly Row[] = [
  { name: 'is unsigned (alg: none)', fault: withToken((good) => unsigned(good.idClaims, { alg: 'none' })), outcome: idTokenError, why: 'Anybody can create such a token (RFC 8725 §3.2).' },
  { name: 'is unsigned (alg: nOnE)', fault: withToken((good) => unsigned(good.idClaims, { alg: 'nOnE' })), outcome: idTokenError, why: 'Anybody can create such a token (RFC 8725 §3.2).' },
  { name: 'is unsigned, with an empty signature', fault: withToken((good) => unsigned(good.idClaims, { alg: 'none' }).replace(/[^.]+$/, '')), outcome: idTokenError, why: 'Anybody can create such a token (RFC 8725 §3.2).' },
  { name: 'has no alg', fault: withToken((good) => unsigned(good.idClaims, {})), outcome: idTokenError, why: 'Anybody can create such a token (RFC 8725 §3.2).' },
  { name: 'is garbage', fault: withToken(() => 'garbage-instead-of-a-token'), outcome: idTokenError, why: 'It cannot be decoded.' },
  { name: 'is garbage in three parts', fault: withToken(() => '!!!!garbage.####garbage.$$$$garbage'), outcome: idTokenError, why: 'It cannot be decoded.' },
  { name: 'has claims that are an array', fault: withToken(() => unsigned(['a'])), outcome: idTokenError, why: 'It cannot be decoded.' },
  { name: 'has claims that are null', fault: withToken(() => unsigned(null)), outcome: idTokenError, why: 'It cannot be decoded.' },
  { name: 'is encrypted', fault: withToken(() => 'eyJhbGciOiJSU0EtT0FFUCJ9.a2V5a2V5a2V5.aXZpdml2.Y2lwaGVydGV4dA.dGFndGFn'), outcome: idTokenError, why: 'The app did not ask for encryption, and has no key.' },
  {
    name: 'has claims nested 20,000 levels deep',
    fault: withToken((good) => {
      const header = Buffer.from('{"alg":"RS256"}').toString('base64url')
      const deep = `${JSON.stringify(good.idClaims).slice(0, -1)},"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
      return `${header}.${Buffer.from(deep).toString('base64url')}.c2lnbmF0dXJl`
    }),
    outcome: idTokenError,
    notApplicable: { 'passport-oauth2': 'keeps no claims', "openid-client's strategy": 'this app keeps no other claims' },
    why: 'Code that traverses it, such as a session store, overflows the stack.'
  },
  { name: 'is 1 MB long', fault: withClaims({ padding: 'x'.repeat(1_000_000) }), outcome: responseError, notApplicable: notForPeers('has no limit of its own'), why: 'No real ID token is this long, and it does not belong in a session.' }
]

/** The app fetches the provider's public keys and checks signatures with them. */
const signed = { checksSignature: true }
const cannotCheck = { 'passport-oauth2': 'checks no signatures' }

/** These rows don't wait until openid-client fetches the keys again. */
const keepsKeys = { "openid-client's strategy": 'fetches keys again at most once a minute' }

function signature(name: string, fault: Fault, outcome: Outcome, why: string, { settings = {}, notApplicable = {} }: Pick<Row, 'settings' | 'notApplicable'> = {}): Row {
  return { name, fault, outcome, why, settings: { ...signed, ...settings }, notApplicable: { ...cannotCheck, ...notApplicable } }
}

const SHARED_SECRET = 'a secret that everybody can read'
const SHARED_KEY = { kty: 'oct', k: Buffer.from(SHARED_SECRET).toString('base64url'), alg: 'HS256', kid: 'shared' }

/** The token, signed with the shared secret (HS256). */
function sharedSecretToken(token: string, secret: string): string {
  const signed = token.replace(/\.[^.]+$/, '')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const keys: readonly Row[] = [
  signature("is signed with Twilio's key", {}, loggedIn({ name: 'Zoë' }), 'This is the normal case that the rows below break.'),
  signature("is signed with another key that has the key ID of Twilio's", withToken(async (good) => good.idToken({}, await strangerAs('key-1'))), idTokenError, 'A matching key ID does not prove that the key is the same.'),
  signature('is signed with an unknown key', withToken(async (good) => good.idToken({}, await strangerAs('another-key'))), idTokenError, 'Only keys from the key set are trusted.'),
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
    'is signed with a shared secret from the key set',
    {
      ...withToken((good) => sharedSecretToken(unsigned(good.idClaims, { alg: 'HS256', kid: 'shared' }), SHARED_SECRET)),
      keys: (...asked) => void providersSigner().then(({ jwk }) => json(200, { keys: [jwk, SHARED_KEY] })(...asked))
    },
    idTokenError,
    'A key at a public URL is not secret.'
  ),
  {
    ...signature(
      'contains its own key',
      withToken(async (good) => {
        const own = await strangerAs('own')
        const header = { kid: undefined, jwk: own.jwk, jku: 'https://evil.example/keys' }
        return good.idToken({}, { ...own, sign: (claims) => own.sign(claims, header) })
      }),
      idTokenError,
      'The signer must not choose the key (RFC 8725 §3.10).'
    ),
    id: 'SEC-20'
  },
  signature('was changed after it was signed', withToken(async (good) => (await good.idToken({})).replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...good.idClaims, sub: 'US99999999999999999999999999999999' })).toString('base64url')}.`)), idTokenError, 'The signature no longer matches.'),
  signature('requires an unknown extension (crit)', withToken(async (good) => (await good.idToken({})).replace(/^[^.]+/, Buffer.from('{"alg":"RS256","kid":"key-1","crit":["x"],"x":1}').toString('base64url'))), idTokenError, 'RFC 7515 §4.1.11 requires such tokens to be rejected.'),
  signature(
    'is signed with a key added since the last login',
    {
      async visit({ visitor, provider, stranger: other }) {
        // This login loads the keys into the cache. They are fetched again at most once a second.
        await logIn({ visitor: other(), provider })
        await new Promise((resolve) => setTimeout(resolve, 1100))
        const rotated = await strangerAs('key-2')
        const { jwk } = await providersSigner()
        provider.fault = { ...withToken((good) => good.idToken({}, rotated)), keys: json(200, { keys: [jwk, rotated.jwk] }) }
        return logIn({ visitor, provider })
      }
    },
    loggedIn({ name: 'Zoë' }),
    'Keys are rotated while the app keeps running.',
    { notApplicable: keepsKeys }
  ),
  signature('cannot be verified: the key server resets the connection', { keys: (_request, _response, socket) => void socket.resetAndDestroy() }, networkError, 'Without keys, no ID token can be trusted.'),
  signature('cannot be verified: the key server never responds', { keys: neverResponds }, timeoutError, 'The user must not wait forever.', { settings: { timeout: 400 } }),
  signature('cannot be verified: the key server returns an error', { keys: text(500, 'Oops') }, responseError, 'Without keys, no ID token can be trusted.'),
  signature('cannot be verified: the key server redirects', { keys: (_request, response) => void response.writeHead(302, { Location: 'https://evil.example/keys' }).end() }, responseError, 'Keys must come from the configured URL.'),
  signature('cannot be verified: the key server returns null', { keys: json(200, null) }, idTokenError, 'Without keys, no ID token can be trusted.'),
  signature('cannot be verified: the key server returns invalid keys', { keys: json(200, { keys: [null, 5, { kty: 'RSA', kid: 'key-1', n: '!!', e: '' }] }) }, idTokenError, 'Without keys, no ID token can be trusted.'),
  signature('cannot be verified: the key server returns no keys', { keys: json(200, { keys: [] }) }, idTokenError, 'Without keys, no ID token can be trusted.', { notApplicable: keepsKeys }),
  signature('cannot be verified: the key server returns 2 MB', { keys: text(200, ' '.repeat(2_000_000)) }, responseError, 'The response size must be limited.'),
  {
    name: 'is missing although it is required',
    fault: { token: withFields({ id_token: null }) },
    settings: { strategy: () => ({ idToken: { required: true } }) },
    outcome: idTokenError,
    notApplicable: { 'passport-oauth2': 'cannot require one', "openid-client's strategy": 'requires one only with a nonce' },
    why: 'The app requires it.'
  }
]

export const idToken: readonly Row[] = [...claims, ...form, ...keys]
