import { randomBytes } from 'node:crypto'
import { optionError } from '../errors'
import { PERMISSIONS } from './permissions'
import { newSID } from './sid'

/** What an OAuth app can be made for: logins, with refreshes after them, or the app's own access. */
export type SandboxGrantType = 'authorization_code' | 'client_credentials'

/** An OAuth app that is registered with the sandbox. */
export interface SandboxApp {
  /** 34 characters: `OQ` and 32 more. */
  readonly clientID: string
  /** Must be sent to the token endpoint with every grant. A public client has none (`undefined`), and must use PKCE and v2. */
  readonly clientSecret: string | undefined
  /** Shown to people on the consent page. */
  readonly name: string
  /** The allowed redirect URIs, compared exactly. When omitted, every URI on this machine is allowed, so that tests can use free ports. */
  readonly redirectURIs?: readonly string[] | undefined
  /** Who owns the app. As at Twilio, only an organization's app can log people in. */
  readonly owner: 'organization' | 'account'
  /** The grants that the app may use. Refreshes belong to `authorization_code`. */
  readonly grantTypes: readonly SandboxGrantType[]
  /** The account that the tokens of an account's app act for: `AC` and 32 hex digits. */
  readonly accountSid: string
  /** What the app may do with the API, such as `twilio/messaging/messages/list`. Anything else is refused with Twilio's error 70051. */
  readonly permissions: readonly string[]
}

/** An OAuth app to register with the sandbox. */
export interface SandboxAppOptions {
  /** 34 characters: `OQ` and 32 more. Default: random. */
  readonly clientID?: string | undefined
  /** Default: random. */
  readonly clientSecret?: string | undefined
  /** Whether the app is a public client: without a client secret, with PKCE, on v2 only. Default: `false`. */
  readonly isPublic?: boolean | undefined
  /** Shown to people on the consent page. Default: `Your app`. */
  readonly name?: string | undefined
  /** The allowed redirect URIs, compared exactly. Default: every URI on this machine. */
  readonly redirectURIs?: readonly string[] | undefined
  /** Who owns the app. An account's app has client credentials only. Default: `organization`. */
  readonly owner?: 'organization' | 'account' | undefined
  /** The grant of an organization's app. Default: `authorization_code`, for logins. */
  readonly grantType?: SandboxGrantType | undefined
  /** The account of an account's app: `AC` and 32 hex digits. Default: the first person's. */
  readonly accountSid?: string | undefined
  /** What the app may do with the API. Default: everything that the sandbox's API has, {@link PERMISSIONS}. */
  readonly permissions?: readonly string[] | undefined
}

/** An app as the sandbox keeps it: its secret and its permissions can change. */
type RegisteredApp = { -readonly [Name in keyof SandboxApp]: SandboxApp[Name] }

interface RegistrationDefaults {
  readonly accountSid: string
  /** Whether people log in with accounts' apps, which may use every grant. */
  readonly accountLogins: boolean
}

/** The registered OAuth apps. */
export class Apps {
  readonly #apps: RegisteredApp[]

  constructor(apps: readonly SandboxAppOptions[], defaults: RegistrationDefaults) {
    this.#apps = apps.map((app) => register(app, defaults))
  }

  get all(): readonly SandboxApp[] {
    return this.#apps
  }

  find(clientID: string): SandboxApp | undefined {
    return this.#apps.find((app) => app.clientID === clientID)
  }

  /**
   * Gives an app a new client secret.
   *
   * @throws {TypeError} for an unknown client ID, or a public client
   */
  rotateSecret(clientID: string): string {
    const app = this.#get(clientID)
    if (app.clientSecret === undefined) throw optionError('This OAuth app is a public client, which has no client secret.')
    return (app.clientSecret = newSecret())
  }

  /** @throws {TypeError} for an unknown client ID */
  setPermissions(clientID: string, permissions: readonly string[]): void {
    this.#get(clientID).permissions = permissions
  }

  /**
   * Deletes an app, and returns it.
   *
   * @throws {TypeError} for an unknown client ID
   */
  delete(clientID: string): SandboxApp {
    const app = this.#get(clientID)
    this.#apps.splice(this.#apps.indexOf(app), 1)
    return app
  }

  #get(clientID: string): RegisteredApp {
    const app = this.#apps.find((app) => app.clientID === clientID)
    if (!app) throw optionError(`No OAuth app with the client ID ${clientID} is registered with the sandbox.`)
    return app
  }
}

function register(app: SandboxAppOptions, { accountSid, accountLogins }: RegistrationDefaults): RegisteredApp {
  const owner = accountLogins ? 'account' : (app.owner ?? 'organization')
  if (owner === 'account' && app.grantType === 'authorization_code' && !accountLogins) throw optionError("An account's OAuth app has the grant client_credentials only, at Twilio too. Log people in with an organization's app.")
  return {
    clientID: app.clientID ?? newSID('OQ'),
    clientSecret: app.isPublic ? undefined : (app.clientSecret ?? newSecret()),
    name: app.name ?? 'Your app',
    redirectURIs: app.redirectURIs,
    owner,
    grantTypes: accountLogins ? ['authorization_code', 'client_credentials'] : [owner === 'account' ? 'client_credentials' : (app.grantType ?? 'authorization_code')],
    accountSid: app.accountSid ?? accountSid,
    permissions: app.permissions ?? PERMISSIONS
  }
}

function newSecret(): string {
  return randomBytes(36).toString('base64url')
}
