import { createHash, randomUUID } from 'node:crypto'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSigner, nowInSeconds, unsigned, type Signer } from '../support/jwt'
import { closedPort, json, TwilioServer, type Behaviour, type HeardRequest } from '../support/twilio-server'
import type { Fault, TokenServer } from './row'

export const PERSON = 'US00000000000000000000000000000001'

/** The fields of a token response. */
export type TokenFields = Readonly<Record<string, unknown>>

/** The correct response to a token request, which a fault can change. */
export interface GoodResponse {
  readonly status: number
  readonly fields: TokenFields
  readonly request: HeardRequest
  readonly provider: Provider
  /** A valid ID token, apart from the given claims. */
  idToken(claims: Readonly<Record<string, unknown>>, signer?: Signer): Promise<string>
  readonly idClaims: Readonly<Record<string, unknown>>
}

interface IssuedCode {
  readonly challenge: string | undefined
  readonly redirectURI: string | undefined
  isUsed: boolean
}

let signer: Promise<Signer> | undefined

/** Generating keys is slow, so all providers share one. */
export function providersSigner(): Promise<Signer> {
  return (signer ??= createSigner())
}

/**
 * The OAuth provider of a row. It behaves correctly until it is given a fault, supports both versions of Twilio's API,
 * and remembers every secret that it sent or received.
 */
export class Provider {
  readonly clientID = `OQ${randomUUID().replaceAll('-', '')}`
  readonly clientSecret = `secret-${randomUUID()}`
  /** Everything that must not leak. */
  readonly secrets = new Set<string>([this.clientSecret])
  fault: Fault = {}
  tokenURL: string | undefined
  readonly #server: TwilioServer
  readonly #codes = new Map<string, IssuedCode>()
  readonly #others: https.Server[] = []

  private constructor(server: TwilioServer) {
    this.#server = server
    server.behave = (request, response, socket) => {
      this.#behave(request).then(
        (behave) => behave(request, response, socket),
        (error: unknown) => response.writeHead(599).end(String(error))
      )
    }
  }

  static async start(tokenServer?: TokenServer): Promise<Provider> {
    const provider = new Provider(await TwilioServer.start())
    await provider.#moveTokenEndpoint(tokenServer)
    return provider
  }

  get url(): string {
    return this.#server.url
  }

  get jwksURL(): string {
    return `${this.url}/keys`
  }

  get requests(): readonly HeardRequest[] {
    return this.#server.requests
  }

  /** Approves a login as the user would. Returns the URL of the callback. */
  approve(authorizeURL: string): string {
    const { searchParams } = new URL(authorizeURL)
    const read = (v1: string, v2: string) => searchParams.get(v1) ?? searchParams.get(v2) ?? undefined
    const code = `code-${randomUUID()}`
    const redirectURI = read('RedirectUri', 'redirect_uri')
    this.secrets.add(code)
    this.#codes.set(code, { challenge: read('CodeChallenge', 'code_challenge'), redirectURI, isUsed: false })
    const callback = new URL(redirectURI ?? 'http://no-redirect-uri.invalid/')
    callback.searchParams.set('code', code)
    const state = read('State', 'state')
    if (state !== undefined) callback.searchParams.set('state', state)
    return callback.href
  }

  async stop(): Promise<void> {
    for (const other of this.#others) {
      other.close()
      other.closeAllConnections()
    }
    await this.#server.stop()
  }

  async #moveTokenEndpoint(tokenServer: TokenServer | undefined): Promise<void> {
    if (tokenServer === undefined) return
    if (tokenServer === 'refuses connections') this.tokenURL = `http://127.0.0.1:${await closedPort()}/v2/token`
    else if (tokenServer === 'no such host') this.tokenURL = 'https://no-such-host.invalid/v2/token'
    else this.tokenURL = await this.#startTLSServer(tokenServer)
  }

  /** Serves the token endpoint with the given certificate. Returns its URL. */
  async #startTLSServer(certificate: { readonly cert: string; readonly key: string }): Promise<string> {
    const server = https.createServer(certificate, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        const received = { method: 'POST', path: '/v2/token', query: new URLSearchParams(), headers: request.headers, body, form: new URLSearchParams(body) }
        void this.#token(received).then((behave) => behave(received, response, request.socket))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#others.push(server)
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}/v2/token`
  }

  async #behave(request: HeardRequest): Promise<Behaviour> {
    if (request.path.endsWith('/token')) return this.#token(request)
    if (request.path.endsWith('/authorize')) return this.fault.authorize ?? this.#loginPage(request)
    if (request.path === '/keys') return this.fault.keys ?? json(200, { keys: [(await providersSigner()).jwk] })
    if (request.path === '/elsewhere') return json(200, await this.#tokenFields())
    return json(404, {})
  }

  /** Responds with the URL of the login page, in `redirect_to`. */
  #loginPage({ query }: HeardRequest): Behaviour {
    return json(302, { redirect_to: `${this.url}/sign-in?${query.toString()}` })
  }

  async #token(request: HeardRequest): Promise<Behaviour> {
    const verifier = request.form.get('CodeVerifier') ?? request.form.get('code_verifier')
    if (verifier !== null) this.secrets.add(verifier)
    const status = request.path === '/v1/token' ? 201 : 200
    const fields = await this.#tokenFields()
    if (this.fault.token) return this.fault.token({ status, fields, request, provider: this, idClaims: this.#idClaims(), idToken: (claims, by) => this.#idToken(claims, by) })
    const refused = this.#whyRefused(request.form, verifier)
    return refused === undefined ? json(status, fields) : json(400, { error: 'invalid_grant', error_description: refused })
  }

  #whyRefused(form: URLSearchParams, verifier: string | null): string | undefined {
    const issued = this.#codes.get(form.get('Code') ?? form.get('code') ?? '')
    if (!issued) return 'unknown code'
    if (issued.isUsed) return 'used code'
    issued.isUsed = true
    if ((form.get('RedirectUri') ?? form.get('redirect_uri')) !== issued.redirectURI) return 'another redirect URI'
    const challenge = verifier === null ? undefined : createHash('sha256').update(verifier).digest('base64url')
    return challenge === issued.challenge ? undefined : 'another verifier'
  }

  async #tokenFields(): Promise<TokenFields> {
    const claims = { sub: `trn:us1:iam:user:${PERSON}`, 'urn:tw:iam_ctx': 'trn:us1:iam:account:AC00000000000000000000000000000001', jti: randomUUID(), exp: nowInSeconds() + 3600 }
    return {
      access_token: this.secret(unsigned(claims)),
      refresh_token: this.secret(`refresh-${randomUUID()}`),
      id_token: await this.#idToken({}),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'offline_access'
    }
  }

  #idClaims(): Record<string, unknown> {
    return { iss: this.url, sub: PERSON, name: 'Zoë', aud: this.clientID, iat: nowInSeconds(), exp: nowInSeconds() + 3600, jti: randomUUID() }
  }

  async #idToken(claims: Readonly<Record<string, unknown>>, by?: Signer): Promise<string> {
    const all = Object.entries({ ...this.#idClaims(), ...claims }).filter(([, value]) => value !== undefined)
    return this.secret(await (by ?? (await providersSigner())).sign(Object.fromEntries(all)))
  }

  /** Remembers a secret, which must not leak. */
  secret(value: string): string {
    this.secrets.add(value)
    return value
  }
}
