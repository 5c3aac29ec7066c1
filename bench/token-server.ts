import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { CLIENT_ID } from './contenders/contender.ts'

/** The OAuth provider of the benchmarks. It runs in its own process, and accepts every request. */

export interface ProviderSettings {
  /** ms until the token endpoint responds. Default: 0. */
  readonly latency?: number
  /** How long an access token is valid, in s. Default: an hour. */
  readonly lifetime?: number
  /** The public URL, if there is a proxy. */
  readonly issuer?: string
}

export interface Counts {
  readonly issuer: string
  readonly tokenRequests: number
  readonly requests: number
  readonly connections: number
}

const KEY_ID = 'bench'

let [latency, lifetime, issuer] = [0, 3600, '']
let [tokenRequests, requests, connections] = [0, 0, 0]

const { publicKey, privateKey } = await generateKeyPair('RS256')
const { privateKey: accessKey } = await generateKeyPair('ES256')
const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' }] })

const PERSON = 'trn:us1:iam:user:US00000000000000000000000000000001'
const ACCOUNT = 'trn:us1:iam:account:AC00000000000000000000000000000001'
const ACCESS_CLAIMS = { sub: PERSON, act: { sub: ACCOUNT }, 'urn:tw:iam_ctx': ACCOUNT, 'urn:tw:rgn': 'us1', aud: 'https://api.twilio.com', scope: 'offline_access' }
const ID_CLAIMS = { sub: PERSON, name: 'Bench Person', email: 'bench@example.com', aud: CLIENT_ID }

/** Every access token is different, as with Twilio, so that caching tokens does not help. */
function signAccessToken(): Promise<string> {
  return new SignJWT({ ...ACCESS_CLAIMS, jti: randomUUID() }).setProtectedHeader({ alg: 'ES256', typ: 'JWT' }).setIssuer(issuer).setIssuedAt().setExpirationTime(`${lifetime}s`).sign(accessKey)
}

function signIDToken(nonce: string): Promise<string> {
  const claims = nonce === '' ? ID_CLAIMS : { ...ID_CLAIMS, nonce }
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: KEY_ID, typ: 'JWT' }).setIssuer(issuer).setIssuedAt().setExpirationTime('1h').sign(privateKey)
}

/** By issuer and nonce: signing with RSA is slow, and only OpenID Connect has a nonce. */
const idTokens = new Map<string, string>()

async function idTokenFor(nonce: string): Promise<string> {
  if (nonce !== '') return signIDToken(nonce)
  const signed = idTokens.get(issuer) ?? (await signIDToken(nonce))
  idTokens.set(issuer, signed)
  return signed
}

/** A code may contain the nonce for the ID token: `code.NONCE`. */
async function tokenResponse(body: string): Promise<string> {
  const parameters = new URLSearchParams(body)
  const [, nonce = ''] = (parameters.get('code') ?? parameters.get('Code') ?? '').split('.')
  return JSON.stringify({
    access_token: await signAccessToken(),
    refresh_token: `r${tokenRequests}`,
    id_token: await idTokenFor(nonce),
    token_type: 'Bearer',
    expires_in: lifetime
  })
}

function discovery(): string {
  return JSON.stringify({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access']
  })
}

const server = createServer((req, res) => {
  requests++
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }
  if (req.method !== 'POST') {
    res.writeHead(200, headers).end(req.url?.startsWith('/.well-known') ? discovery() : jwks)
    return
  }
  tokenRequests++
  let body = ''
  req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
  req.on('end', () => {
    const reply = () => void tokenResponse(body).then((text) => res.writeHead(req.url === '/v1/token' ? 201 : 200, headers).end(text))
    if (latency > 0) setTimeout(reply, latency)
    else reply()
  })
})
server.on('connection', () => connections++)
server.keepAliveTimeout = 60_000
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

process.on('message', (settings: ProviderSettings) => {
  ;({ latency = latency, lifetime = lifetime, issuer = issuer } = settings)
  process.send?.({ issuer, tokenRequests, requests, connections } satisfies Counts)
})
process.on('disconnect', () => process.exit())
