import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** The OAuth provider of the benchmark. It runs in its own process, and accepts every request. */

const CLIENT_ID = `OQ${'b'.repeat(32)}`
const KEY_ID = 'bench'
const latency = Number(process.env.TOKEN_LATENCY ?? 0)
let tokenRequests = 0

async function main(): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' }
  const server = createServer()
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const sign = (claims: Record<string, unknown>) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: KEY_ID, typ: 'JWT' }).setIssuer(issuer).setIssuedAt().setExpirationTime('1h').sign(privateKey)

  const accessClaims = {
    sub: 'trn:us1:iam:user:US00000000000000000000000000000001',
    act: { sub: 'trn:us1:iam:account:AC00000000000000000000000000000001' },
    'urn:tw:iam_ctx': 'trn:us1:iam:account:AC00000000000000000000000000000001',
    'urn:tw:rgn': 'us1',
    aud: 'https://api.twilio.com',
    scope: 'offline_access'
  }
  const idClaims = { sub: 'trn:us1:iam:user:US00000000000000000000000000000001', name: 'Bench Person', email: 'bench@example.com', aud: CLIENT_ID }
  const { privateKey: accessKey } = await generateKeyPair('ES256')
  // Every access token is different, as with Twilio, so that caching tokens does not help.
  const signAccessToken = () =>
    new SignJWT({ ...accessClaims, jti: randomUUID() }).setProtectedHeader({ alg: 'ES256', typ: 'JWT' }).setIssuer(issuer).setIssuedAt().setExpirationTime('1h').sign(accessKey)
  const idTokens = new Map<string, string>()

  async function idTokenFor(nonce: string): Promise<string> {
    const known = idTokens.get(nonce)
    if (known) return known
    const signed = await sign(nonce === '' ? idClaims : { ...idClaims, nonce })
    if (nonce === '') idTokens.set(nonce, signed)
    return signed
  }

  /** A code may contain the nonce for the ID token: `code.NONCE`. */
  async function tokenResponse(body: string): Promise<string> {
    const parameters = new URLSearchParams(body)
    const code = parameters.get('code') ?? parameters.get('Code') ?? ''
    return JSON.stringify({
      access_token: await signAccessToken(),
      refresh_token: `r${tokenRequests}`,
      id_token: await idTokenFor(code.split('.')[1] ?? ''),
      token_type: 'Bearer',
      expires_in: 3600
    })
  }

  const discovery = JSON.stringify({
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

  server.on('request', (req, res) => {
    const json = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }
    if (req.method !== 'POST') {
      res.writeHead(200, json).end(req.url?.startsWith('/.well-known') ? discovery : JSON.stringify({ keys: [jwk] }))
      return
    }
    let body = ''
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    req.on('end', () => {
      tokenRequests++
      const reply = () => void tokenResponse(body).then((text) => res.writeHead(req.url === '/v1/token' ? 201 : 200, json).end(text))
      if (latency > 0) setTimeout(reply, latency)
      else reply()
    })
  })
  process.on('message', () => process.send?.({ tokenRequests }))
  process.send?.({ issuer, clientID: CLIENT_ID })
}

void main()
