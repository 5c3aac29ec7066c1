import { lookUpAccount } from '../oauth/account'
import type { ClientConfiguration } from '../oauth/options'
import { profileOf, type ProfileClaims, type TwilioProfile } from '../oauth/profile'
import { actorOf } from '../oauth/resource-name'
import { fromCallback } from '../util/from-callback'
import type { AnyOptions, SkipUserProfile, SkipUserProfileWithCallback } from './options'

/** Reads the profile from claims, and from Twilio's Accounts resource if `lookUpAccount` is set. */
export async function loadProfile(
  accessToken: string,
  claims: ProfileClaims,
  { accounts, limits }: ClientConfiguration,
  options: Pick<AnyOptions, 'lookUpAccount'>
): Promise<TwilioProfile | undefined> {
  const account = options.lookUpAccount ? await lookUpAccount(accessToken, accounts, limits, actorOf(claims.accessClaims)) : undefined
  return profileOf(claims, account)
}

/** Whether `skipUserProfile` says that no profile is to be loaded. */
export async function skipsProfile(accessToken: string, skipUserProfile: AnyOptions['skipUserProfile'] = false): Promise<boolean> {
  if (typeof skipUserProfile === 'boolean') return skipUserProfile
  if (!hasCallbackParameter(skipUserProfile)) return skipUserProfile(accessToken)
  const [skips] = await fromCallback<[unknown?]>((done) => skipUserProfile(accessToken, done))
  return Boolean(skips)
}

function hasCallbackParameter(skip: SkipUserProfile | SkipUserProfileWithCallback): skip is SkipUserProfileWithCallback {
  return skip.length > 1
}
