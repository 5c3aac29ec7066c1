import { createHash, randomUUID } from 'node:crypto'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSigner, nowInSeconds, unsigned, type Signer } from '../support/jwt'
import { closedPort, json, TwilioServer, type Behaviour, type HeardRequest } from '../support/twilio-server'
import type { Fault, TokenServer } from './row'

export const PERSON = 'US00000000000000000000000000000001'

/** What a grant is answered with. */
export type TokenAnswer = Readonly<Record<string, unknown>>

/** The good answer to a code, for faults to spoil. */
export interface GoodAnswer {
  readonly status: number
  readonly answer: TokenAnswer
  readonly request: HeardRequest
  readonly provider: Provider
  /** An ID token that is good but for these claims. */
  idToken(claims: Readonly<Record<string, unknown>>, signer?: Signer): Promise<string>
  readonly idClaims: Readonly<Record<string, unknown>>
}

interface IssuedCode {
  readonly challenge: string | undefined
  readonly redirectURI: string | undefined
  isSpent: boolean
}

let signer: Promise<Signer> | undefined

/** Making keys takes long; all providers sign with the same. */
export function providersSigner(): Promise<Signer> {
  return (signer ??= createSigner())
}

/**
 * A provider that an app logs people in with, a row's own: good, until it is given a fault. Speaks both of Twilio's
 * versions. It knows every secret that went through it.
 */
export class Provider {
  readonly clientID = `OQ${randomUUID().replaceAll('-', '')}`
  readonly clientSecret = `secret-${randomUUID()}`
  /** All that must not be told to anybody. */
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
    await provider.#put(tokenServer)
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

  /** Approves a login, as the person would, and gives the callback that the browser is sent back with. */
  approve(authorizeURL: string): string {
    const { searchParams } = new URL(authorizeURL)
    const read = (v1: string, v2: string) => searchParams.get(v1) ?? searchParams.get(v2) ?? undefined
    const code = `code-${randomUUID()}`
    const redirectURI = read('RedirectUri', 'redirect_uri')
    this.secrets.add(code)
    this.#codes.set(code, { challenge: read('CodeChallenge', 'code_challenge'), redirectURI, isSpent: false })
    const callback = new URL(redirectURI ?? 'http://no-redirect-address.invalid/')
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

  async #put(tokenServer: TokenServer | undefined): Promise<void> {
    if (tokenServer === undefined) return
    if (tokenServer === 'nobody listens') this.tokenURL = `http://127.0.0.1:${await closedPort()}/v2/token`
    else if (tokenServer === 'no such host') this.tokenURL = 'https://no-such-host.invalid/v2/token'
    else this.tokenURL = await this.#listenWith(tokenServer)
  }

  /** The token endpoint over TLS. */
  async #listenWith(certificate: { readonly cert: string; readonly key: string }): Promise<string> {
    const server = https.createServer(certificate, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        const heard = { method: 'POST', path: '/v2/token', query: new URLSearchParams(), headers: request.headers, body, form: new URLSearchParams(body) }
        void this.#token(heard).then((behave) => behave(heard, response, request.socket))
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
    if (request.path === '/elsewhere') return json(200, await this.#answer())
    return json(404, {})
  }

  /** What the contract calls `redirect_to`. */
  #loginPage({ query }: HeardRequest): Behaviour {
    return json(302, { redirect_to: `${this.url}/sign-in?${query.toString()}` })
  }

  async #token(request: HeardRequest): Promise<Behaviour> {
    const verifier = request.form.get('CodeVerifier') ?? request.form.get('code_verifier')
    if (verifier !== null) this.secrets.add(verifier)
    const status = request.path === '/v1/token' ? 201 : 200
    const answer = await this.#answer()
    if (this.fault.token) return this.fault.token({ status, answer, request, provider: this, idClaims: this.#idClaims(), idToken: (claims, by) => this.#idToken(claims, by) })
    const refused = this.#whyRefused(request.form, verifier)
    return refused === undefined ? json(status, answer) : json(400, { error: 'invalid_grant', error_description: refused })
  }

  #whyRefused(form: URLSearchParams, verifier: string | null): string | undefined {
    const issued = this.#codes.get(form.get('Code') ?? form.get('code') ?? '')
    if (!issued) return 'unknown code'
    if (issued.isSpent) return 'spent code'
    issued.isSpent = true
    if ((form.get('RedirectUri') ?? form.get('redirect_uri')) !== issued.redirectURI) return 'another redirect address'
    const challenge = verifier === null ? undefined : createHash('sha256').update(verifier).digest('base64url')
    return challenge === issued.challenge ? undefined : 'another verifier'
  }

  async #answer(): Promise<TokenAnswer> {
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

  /** Something that was given away, and must not be told to anybody else. */
  secret(value: string): string {
    this.secrets.add(value)
    return value
  }
}
