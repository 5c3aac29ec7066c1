/**
 * "Log in with Twilio" for Passport, and middleware that keeps Twilio's tokens fresh.
 *
 * @module passport-twilio
 */

import { TwilioStrategy } from './strategy'

export { TwilioStrategy as default, TwilioStrategy, TwilioStrategy as Strategy }
export type { TwilioAuthenticateOptions } from './strategy'
export type { TwilioStrategyOptions, TwilioStrategyOptionsWithRequest } from './strategy-options'
export type {
  MaybeUser,
  TokenParameters,
  Verify,
  VerifyCallback,
  VerifyResult,
  VerifyWithParameters,
  VerifyWithRequest,
  VerifyWithRequestAndParameters
} from './verify'

export { TwilioOAuthClient } from './oauth-client'
export type { AuthorizationParameters, CallOptions, ClientCredentialsOptions, ExchangeCodeOptions, RefreshOptions } from './oauth-client'
export type { IdTokenOptions, JSONWebKeySet, TwilioOAuthClientOptions } from './options'
export type { ApiVersion, OAuthParameters } from './dialect'

export type { Claims } from './claims'
export type { TwilioProfile } from './profile'
export type { TwilioTokens } from './tokens'

export { LoginStateError, TwilioIdTokenError, TwilioNetworkError, TwilioResponseError, TwilioTimeoutError, TwilioTokenError, TwilioUnavailableError } from './errors'
export type { LoginStateReason } from './errors'

export { returnTo } from './session/return-to'
export { requireLogin } from './session/require-login'
export type { RequireLoginOptions } from './session/require-login'
export { redisRefreshes } from './session/redis-refreshes'
export type { RedisRefreshesOptions } from './session/redis-refreshes'
export type { RedisClient } from './session/redis-client'
export { SessionTokens } from './session/session-tokens'
export type { SessionTokensOptions } from './session/session-tokens'
export type { Refreshed, Refreshes, RefreshLimits, SpentTokens } from './session/refreshes'
export type { Middleware } from './session/middleware'
