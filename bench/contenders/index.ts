import { contender, SECRET, type Contender } from './contender.ts'

/** Each app loads only its own library. */
export const CONTENDERS = {
  'hand-written minimum': contender(async (setting) => (await import('./hand-written.ts')).handWritten(setting)),
  'passport-twilio v1': contender(async (setting) => (await import('./passport-twilio.ts')).passportTwilio('v1')(setting)),
  'passport-twilio v2': contender(async (setting) => (await import('./passport-twilio.ts')).passportTwilio('v2')(setting)),
  'passport-oauth2': contender(async (setting) => (await import('./passport-oauth2.ts')).passportOAuth2(setting)),
  grant: contender(async (setting) => (await import('./grant.ts')).grant(setting), { loginPath: '/connect/bench', callbackPath: '/connect/bench/callback', refreshes: false }),
  "openid-client's strategy": contender(async (setting) => (await import('./openid-client.ts')).openidClient(setting)),
  'express-openid-connect': contender(async (setting) => (await import('./express-openid-connect.ts')).expressOpenidConnect(setting)),
  encrypted: contender(async (setting) => (await import('./passport-twilio.ts')).passportTwilio('v1', { secret: SECRET })(setting)),
  guards: contender(async (setting) => (await import('./passport-twilio.ts')).guards(setting)),
  growing: contender(async (setting) => (await import('./passport-twilio.ts')).growing(setting))
} satisfies Record<string, Contender>

export type ContenderName = keyof typeof CONTENDERS

/** Those that are compared with each other. */
export const PEERS = [
  'hand-written minimum',
  'passport-twilio v1',
  'passport-twilio v2',
  'passport-oauth2',
  'grant',
  "openid-client's strategy",
  'express-openid-connect'
] as const satisfies readonly ContenderName[]

export type PeerName = (typeof PEERS)[number]
