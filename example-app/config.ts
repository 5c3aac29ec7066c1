import { TwilioOAuthClient, type TwilioOAuthClientOptions } from 'passport-twilio'
import { z } from 'zod'

/** What the app reads from its environment. */
export interface Config {
  port: number
  /** Where browsers find the app; the callback is `/auth/twilio/callback` below it. */
  baseURL: string | undefined
  apiVersion: 'v1' | 'v2'
  sessionSecret: string | undefined
  /** Where sessions are, and what came of refreshes; without it they are in memory. */
  redisURL: string | undefined
  isProduction: boolean
  /** The OAuth app at Twilio; without it, the app runs on a sandbox. */
  credentials: { clientID: string; clientSecret: string } | undefined
  /** Where Twilio is, if not where it always is: a sandbox that runs on its own. */
  twilioURL: string | undefined
}

/** What is wrong with the environment, in words, a line each. */
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
    SESSION_SECRET: z.string().min(32, 'SESSION_SECRET must have at least 32 characters; make one with: openssl rand -base64 32').optional(),
    NODE_ENV: text
  })
  .superRefine((env, context) => {
    if (env.TWILIO_CLIENT_ID && !env.TWILIO_CLIENT_SECRET) context.addIssue('TWILIO_CLIENT_SECRET is missing: TWILIO_CLIENT_ID is set, and needs its secret')
    if (env.TWILIO_CLIENT_SECRET && !env.TWILIO_CLIENT_ID) context.addIssue('TWILIO_CLIENT_ID is missing: TWILIO_CLIENT_SECRET is set, and needs its ID')
    if (env.TWILIO_BASE_URL && !env.TWILIO_CLIENT_ID) context.addIssue('TWILIO_CLIENT_ID is missing: the sandbox at TWILIO_BASE_URL has printed one; leave both out for a sandbox within this process')
    if (env.TWILIO_CLIENT_ID && env.TWILIO_CLIENT_SECRET) {
      const problem = problemOf({ clientID: env.TWILIO_CLIENT_ID, clientSecret: env.TWILIO_CLIENT_SECRET, baseURL: env.TWILIO_BASE_URL })
      if (problem !== undefined) context.addIssue(problem)
    }
    if (env.NODE_ENV === 'production' && !env.SESSION_SECRET) {
      context.addIssue('SESSION_SECRET is missing: in production, sessions must survive a restart; make one with: openssl rand -base64 32')
    }
  })

const VARIABLES: Record<string, string> = { clientID: 'TWILIO_CLIENT_ID', clientSecret: 'TWILIO_CLIENT_SECRET', baseURL: 'TWILIO_BASE_URL' }

/** The package knows what its options must be; whoever starts the app knows them as variables. */
function problemOf(options: TwilioOAuthClientOptions): string | undefined {
  try {
    new TwilioOAuthClient(options)
    return undefined
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return error.message.replace(/^\w+/, (option) => VARIABLES[option] ?? option)
  }
}

/** @throws {ConfigError} naming each variable that is wrong */
export function readConfig(variables: NodeJS.ProcessEnv): Config {
  // A variable that is set to nothing is as good as not set.
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
