import { startSandbox, type LoggedRequest } from 'passport-twilio/sandbox'
import type { Config } from './config.ts'

/** The Twilio that the app logs people in with: Twilio's own, or a sandbox on this machine. */
export interface Twilio {
  clientID: string
  clientSecret: string
  /** Where Twilio's OAuth is; Twilio's own address without. */
  baseURL?: string
  /** Where Twilio's API is; Twilio's own address without. */
  apiBaseURL?: string
  /** What only a sandbox can do. */
  sandbox?: SandboxControl
}

export interface SandboxControl {
  /** Ends every access token that was issued so far. */
  expireAccessTokens(): void
  /** What came in, oldest first, with everything secret masked. */
  requests(): Promise<readonly LoggedRequest[]>
  stop(): Promise<void>
}

export async function connectTwilio({ credentials, twilioURL }: Config, callbackURL: string): Promise<Twilio> {
  if (credentials) return { ...credentials, ...(twilioURL === undefined ? {} : { baseURL: twilioURL, apiBaseURL: twilioURL }) }
  const sandbox = await startSandbox({ apps: [{ name: 'Example app', redirectURIs: [callbackURL] }] })
  return {
    clientID: sandbox.clientID,
    clientSecret: sandbox.clientSecret,
    baseURL: sandbox.url,
    apiBaseURL: sandbox.apiURL,
    sandbox: {
      expireAccessTokens: () => sandbox.expireAccessTokens(),
      requests: () => Promise.resolve(sandbox.requests),
      stop: () => sandbox.stop()
    }
  }
}
