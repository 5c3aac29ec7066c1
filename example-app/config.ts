import { TwilioOAuthClient, type TwilioOAuthClientOptions } from 'passport-twilio'
import { z } from 'zod'

/** The app's settings, from its environment variables. */
export interface Config {
  port: number
  /** The app's public URL. The redirect URI is this URL followed by `/auth/twilio/callback`. */
  baseURL: string | undefined
  apiVersion: 'v1' | 'v2'
  sessionSecret: string | undefined
  /** Stores sessions and refreshes. Without it, both are kept in memory. */
  redisURL: string | undefined
  isProduction: boolean
  /** The client ID and secret of the OAuth app. Without them, the app starts a sandbox. */
  credentials: { clientID: string; clientSecret: string } | undefined
  /** The URL of a sandbox that runs separately, instead of Twilio. */
  twilioURL: string | undefined
}

/** Explains what is wrong with the environment variables, one problem per line. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
  }
}

const text = z.string().trim().min(1).optional()

const environment = z
  .object({
    PORT: z.coerce.number('PORT must be a number, such as 3000').int('PORT must be a whole number').min(0, 'PORT must be 0 to 65535').max(65535, 'PORT must be 0 to 65535').default(3000),
    BASE_URL: z.url({ protocol: /^https?$/, error: 'BASE_URL must be an address such as https://app.example.com' }).optional(),
    REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'REDIS_URL must be an address such as redis://localhost:6379' }).optional(),
    TWILIO_API_VERSION: z.enum(['v1', 'v2'], 'TWILIO_API_VERSION must be v1 or v2').default('v1'),
    TWILIO_CLIENT_ID: text,
    TWILIO_CLIENT_SECRET: text,
    TWILIO_BASE_URL: z.url({ protocol: /^https?$/, error: 'TWILIO_BASE_URL must be an address such as http://127.0.0.1:8020' }).optional(),
    SESSION_SECRET: z.string().min(32, 'SESSION_SECRET must have at least 32 characters. Generate one with: openssl rand -base64 32').optional(),
    NODE_ENV: text
  })
  .superRefine((env, context) => {
    if (env.TWILIO_CLIENT_ID && !env.TWILIO_CLIENT_SECRET) context.addIssue('TWILIO_CLIENT_SECRET is missing: set it to the secret of the OAuth app in TWILIO_CLIENT_ID')
    if (env.TWILIO_CLIENT_SECRET && !env.TWILIO_CLIENT_ID) context.addIssue('TWILIO_CLIENT_ID is missing: set it to the client ID that TWILIO_CLIENT_SECRET belongs to')
    if (env.TWILIO_BASE_URL && !env.TWILIO_CLIENT_ID) context.addIssue('TWILIO_CLIENT_ID is missing: the sandbox at TWILIO_BASE_URL printed one when it started. To use a sandbox inside this process, unset TWILIO_BASE_URL')
    if (env.TWILIO_CLIENT_ID && env.TWILIO_CLIENT_SECRET) {
      const problem = findProblem({ clientID: env.TWILIO_CLIENT_ID, clientSecret: env.TWILIO_CLIENT_SECRET, baseURL: env.TWILIO_BASE_URL })
      if (problem !== undefined) context.addIssue(problem)
    }
    if (env.NODE_ENV === 'production' && !env.SESSION_SECRET) {
      context.addIssue('SESSION_SECRET is missing: in production, sessions must survive a restart. Generate one with: openssl rand -base64 32')
    }
  })

const VARIABLE_OF_OPTION: Record<string, string> = { clientID: 'TWILIO_CLIENT_ID', clientSecret: 'TWILIO_CLIENT_SECRET', baseURL: 'TWILIO_BASE_URL' }

/** Checks the options as the package does, but names the environment variable instead of the option. */
function findProblem(options: TwilioOAuthClientOptions): string | undefined {
  try {
    new TwilioOAuthClient(options)
    return undefined
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return error.message.replace(/^\w+/, (option) => VARIABLE_OF_OPTION[option] ?? option)
  }
}

/** @throws {ConfigError} naming each variable that is missing or invalid */
export function readConfig(variables: NodeJS.ProcessEnv): Config {
  // An empty variable counts as not set.
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const { success, data, error } = environment.safeParse(given)
  if (!success) throw new ConfigError(error.issues.map(({ message }) => message))
  const { TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret } = data
  return {
    port: data.PORT,
    baseURL: data.BASE_URL?.replace(/\/+$/, ''),
    apiVersion: data.TWILIO_API_VERSION,
    sessionSecret: data.SESSION_SECRET,
    redisURL: data.REDIS_URL,
    isProduction: data.NODE_ENV === 'production',
    credentials: clientID && clientSecret ? { clientID, clientSecret } : undefined,
    twilioURL: data.TWILIO_BASE_URL?.replace(/\/+$/, '')
  }
}
