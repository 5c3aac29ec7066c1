import type { Request } from 'express'
import { fromCallback, isThenable } from '../util/from-callback'
import type { TwilioProfile } from '../oauth/profile'

/** Twilio's token response: `access_token`, `expires_in` and so on. Each may be null. */
export type TokenParameters = Readonly<Record<string, unknown>>

/** A user, or nothing if the person may not log in. */
export type MaybeUser = Express.User | false | null | undefined

/** Ends `verify`: with an error, with a user, or without one and the reason in `info`. A string as `info` becomes `{ message }`. */
export type VerifyCallback = (error?: unknown, user?: MaybeUser, info?: object | string) => void

/**
 * What `verify` returns: nothing if it calls `done`, otherwise a promise of the user. An async function without a `done`
 * parameter, such as `async (...args) => …`, must call it before its promise resolves, or not at all.
 */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- `void` is what a function that calls `done` returns
export type VerifyResult = Promise<MaybeUser | void> | void

/** Finds the user of a login. In most apps it is the one whose Twilio ID is `profile.id`. */
export type Verify = (accessToken: string, refreshToken: string | undefined, profile: TwilioProfile | undefined, done: VerifyCallback) => VerifyResult

/**
 * With Twilio's token response before the profile. TypeScript cannot infer this form from a function with five parameters:
 * write `((accessToken, refreshToken, params, profile, done) => { … }) satisfies VerifyWithParameters`.
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

/** With `passReqToCallback`: the request first, and Twilio's token response before the profile. See {@link VerifyWithParameters}. */
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
  /** The first argument, with `passReqToCallback`. */
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
 * Calls the application's `verify`, in any of its forms: with four parameters; with five, including `params`; variadic,
 * which gets five; and returning the user or a promise of it instead of calling `done`.
 *
 * Rejects with what `verify` throws, rejects with, or passes to `done`.
 */
export async function callVerify(verify: AnyVerify, { request, accessToken, refreshToken, params, profile }: Verification): Promise<Verified> {
  const leading = request === undefined ? [] : [request]
  const parameterCount = verify.length - leading.length
  const isVariadic = parameterCount <= 0
  const hasParams = isVariadic || parameterCount > 4
  const hasDone = parameterCount > 3
  const [user, info] = await fromCallback<[MaybeUser?, (object | string)?]>(
    (done) => {
      const result = verify(...leading, accessToken, refreshToken, ...(hasParams ? [params] : []), profile, done)
      if (isThenable(result)) return result
      // `length` does not count parameters with defaults, so a function that returns nothing may still call `done`.
      if (result !== undefined && !isVariadic && !hasDone) done(null, result)
      return undefined
    },
    { hasCallbackParameter: hasDone }
  )
  return { user, info: typeof info === 'string' ? { message: info } : info }
}
