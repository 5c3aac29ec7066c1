import { TwilioOAuthClient, type TwilioOAuthClientOptions } from 'passport-twilio'
import { z } from 'zod'

/** The app's settings, from its environment variables. */
export interface Config {
  port: number
  /** The network interface to listen on; all of them if `undefined`. */
  host: string | undefined
  /** The app's public URL. The redirect URI is this URL followed by `/auth/twilio/callback`. */
  baseURL: string | undefined
  /** How many proxies are in front of the app. `undefined`: one if the site is on https, else none. */
  proxies: number | undefined
  apiVersion: 'v1' | 'v2'
  sessionSecret: string | undefined
  /** Stores sessions and refreshes. Without it, both are kept in memory. */
  redisURL: string | undefined
  /** Stores the users, in PostgreSQL. */
  databaseURL: string | undefined
  logLevel: string
  isProduction: boolean
  /** The client ID and secret of the OAuth app. Without them, the app starts a sandbox. */
  credentials: { clientID: string; clientSecret: string } | undefined
  /** The URL of a sandbox that runs separately, instead of Twilio. */
  twilioURL: string | undefined
  /** What the app asks for. By default, all that the sandbox allows, and `offline_access` of Twilio. */
  scope: string | undefined
}

/** Explains what is wrong with the environment variables, one problem per line. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
  }
}

const text = z.string().trim().min(1).optional()

function url(variable: string, protocol: RegExp, example: string) {
  return z.url({ protocol, error: `${variable} must be a URL such as ${example}` }).optional()
}

function wholeNumber(variable: string, min: number, max: number) {
  const error = `${variable} must be a whole number from ${min} to ${max}`
  return z.coerce.number(error).int(error).min(min, error).max(max, error)
}

const environment = z
  .object({
    PORT: wholeNumber('PORT', 0, 65535).default(3000),
    HOST: text,
    BASE_URL: url('BASE_URL', /^https?$/, 'https://app.example.com'),
    TRUST_PROXY: wholeNumber('TRUST_PROXY', 0, 10).optional(),
    REDIS_URL: url('REDIS_URL', /^rediss?$/, 'redis://localhost:6379'),
    DATABASE_URL: url('DATABASE_URL', /^postgres(?:ql)?$/, 'postgres://localhost/switchboard'),
    LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent'], 'LOG_LEVEL must be debug, info, warn, error or silent').default('info'),
    TWILIO_API_VERSION: z.enum(['v1', 'v2'], 'TWILIO_API_VERSION must be v1 or v2').default('v1'),
    TWILIO_CLIENT_ID: text,
    TWILIO_CLIENT_SECRET: text,
    TWILIO_BASE_URL: url('TWILIO_BASE_URL', /^https?$/, 'http://127.0.0.1:8020'),
    TWILIO_SCOPE: text,
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
  const isProduction = data.NODE_ENV === 'production'
  return {
    port: data.PORT,
    // In development, the app is only reachable from this computer.
    host: data.HOST ?? (isProduction ? undefined : '127.0.0.1'),
    baseURL: data.BASE_URL?.replace(/\/+$/, ''),
    proxies: data.TRUST_PROXY,
    apiVersion: data.TWILIO_API_VERSION,
    sessionSecret: data.SESSION_SECRET,
    redisURL: data.REDIS_URL,
    databaseURL: data.DATABASE_URL,
    logLevel: data.LOG_LEVEL,
    isProduction,
    credentials: clientID && clientSecret ? { clientID, clientSecret } : undefined,
    twilioURL: data.TWILIO_BASE_URL?.replace(/\/+$/, ''),
    scope: data.TWILIO_SCOPE
  }
}
