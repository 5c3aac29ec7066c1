import type { Request } from 'express'
import { fromCallback } from '../util/from-callback'
import type { TwilioProfile } from '../oauth/profile'

/** Twilio's own answer to the code: `access_token`, `expires_in` and so on, each of which may be null. */
export type TokenParameters = Readonly<Record<string, unknown>>

/** A user, or nothing for somebody who may not log in. */
export type MaybeUser = Express.User | false | null | undefined

/** Ends `verify`: with an error, with a user, or without one and why (`info`). */
export type VerifyCallback = (error?: unknown, user?: MaybeUser, info?: object) => void

/**
 * What `verify` gives back: nothing, when it calls `done`; else a promise of the user. An async one that does not name
 * `done` among its parameters, such as `async (...args) => …`, calls it before it ends, or not at all.
 */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- `void` is what a function that calls `done` gives
export type VerifyResult = Promise<MaybeUser | void> | void

/** Finds the user of a login; in most apps, the one whose Twilio ID is `profile.id`. */
export type Verify = (accessToken: string, refreshToken: string | undefined, profile: TwilioProfile | undefined, done: VerifyCallback) => VerifyResult

/**
 * With Twilio's own answer before the profile. TypeScript must be told which form a function of five parameters has:
 * `((accessToken, refreshToken, params, profile, done) => { … }) satisfies VerifyWithParameters`.
 */
export type VerifyWithParameters = (
  accessToken: string,
  refreshToken: string | undefined,
  params: TokenParameters,
  profile: TwilioProfile | undefined,
  done: VerifyCallback
) => VerifyResult

/** With `passReqToCallback`: the request first. */
export type VerifyWithRequest = (
  req: Request,
  accessToken: string,
  refreshToken: string | undefined,
  profile: TwilioProfile | undefined,
  done: VerifyCallback
) => VerifyResult

/** With `passReqToCallback`: the request first, and Twilio's own answer before the profile; see {@link VerifyWithParameters}. */
export type VerifyWithRequestAndParameters = (
  req: Request,
  accessToken: string,
  refreshToken: string | undefined,
  params: TokenParameters,
  profile: TwilioProfile | undefined,
  done: VerifyCallback
) => VerifyResult

export type AnyVerify = (...args: unknown[]) => unknown

export interface Verification {
  /** Given first, with `passReqToCallback`. */
  readonly request?: unknown
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly params: TokenParameters
  readonly profile: TwilioProfile | undefined
}

export interface Verified {
  readonly user: MaybeUser
  readonly info?: object | undefined
}

/**
 * Asks the application who this is, in whichever of `verify`'s forms it has:
 * four parameters; five, with `params`; variadic, which gets five; and with a promise, or the user, instead of `done`.
 *
 * Rejects with what `verify` throws, rejects with, or passes to `done`.
 */
export async function callVerify(verify: AnyVerify, verification: Verification): Promise<Verified> {
  const { request, accessToken, refreshToken, params, profile } = verification
  const leading = request === undefined ? [] : [request]
  const declared = verify.length - leading.length
  const isVariadic = declared <= 0
  const wantsParams = isVariadic || declared > 4
  const namesDone = declared > 3
  const [user, info] = await fromCallback<[MaybeUser?, object?]>((done) => {
    const result = verify(...leading, accessToken, refreshToken, ...(wantsParams ? [params] : []), profile, done)
    if (!isThenable(result)) {
      // Without `done`, what it returns is all that it can say. Parameters with defaults are not counted, so that one
      // that returns nothing may still have it.
      if (result !== undefined && !isVariadic && !namesDone) done(null, result)
      return
    }
    Promise.resolve(result).then((promised) => {
      // A function that names `done` may be async only so as to await something, and call `done` later. Whether a
      // variadic one will call it cannot be told, and the person must not wait forever.
      if (promised !== undefined || !namesDone) done(null, promised as MaybeUser)
    }, done)
  })
  return { user, info }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
