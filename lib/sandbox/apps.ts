import { randomBytes } from 'node:crypto'
import { newSID } from './sid'

/** An OAuth app that is registered with the sandbox. */
export interface SandboxApp {
  /** 34 characters: `OQ` and 32 more. */
  readonly clientID: string
  /** Must be sent to the token endpoint with every grant. */
  readonly clientSecret: string
  /** Shown to people on the consent page. */
  readonly name: string
  /** The allowed redirect URIs, compared exactly. When omitted, every URI on this machine is allowed, so that tests can use free ports. */
  readonly redirectURIs?: readonly string[] | undefined
  /** The account that the client credentials grant acts for: `AC` and 32 hex digits. */
  readonly accountSid: string
}

/**
 * An OAuth app to register with the sandbox. Defaults: a random `clientID` and `clientSecret`, the name `Your app`,
 * every redirect URI on this machine, and the first person's account.
 */
export type SandboxAppOptions = { readonly [Name in keyof SandboxApp]?: SandboxApp[Name] | undefined }

/** @param defaultAccountSid used when the app names no account */
export function registerApp(app: SandboxAppOptions, defaultAccountSid: string): SandboxApp {
  return {
    clientID: app.clientID ?? newSID('OQ'),
    clientSecret: app.clientSecret ?? randomBytes(36).toString('base64url'),
    name: app.name ?? 'Your app',
    redirectURIs: app.redirectURIs,
    accountSid: app.accountSid ?? defaultAccountSid
  }
}
