import { startSandbox, type LoggedRequest } from 'passport-twilio/sandbox'
import { APP_NAME } from './brand.ts'
import type { Config } from './config.ts'

/** The Twilio that the app uses: Twilio itself, or a local sandbox. */
export interface Twilio {
  clientID: string
  clientSecret: string
  /** The base URL of the OAuth API; Twilio's own by default. */
  baseURL?: string
  /** The base URL of the REST API; Twilio's own by default. */
  apiBaseURL?: string
  /** Set only if the app started a sandbox. */
  sandbox?: SandboxControl
}

export interface SandboxControl {
  /** Expires every access token issued so far. */
  expireAccessTokens(): void
  /** All requests received, oldest first, with secrets masked. */
  requests(): Promise<readonly LoggedRequest[]>
  stop(): Promise<void>
}

export async function connectTwilio({ credentials, twilioURL }: Config, callbackURL: string): Promise<Twilio> {
  if (credentials) return { ...credentials, ...(twilioURL === undefined ? {} : { baseURL: twilioURL, apiBaseURL: twilioURL }) }
  const sandbox = await startSandbox({ apps: [{ name: APP_NAME, redirectURIs: [callbackURL] }] })
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
