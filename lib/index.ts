/**
 * "Log in with Twilio" for Passport, and middleware that keeps Twilio's tokens fresh.
 *
 * @module passport-twilio
 */

import { TwilioStrategy } from './login/strategy'

export { TwilioStrategy as default, TwilioStrategy, TwilioStrategy as Strategy }
export type { TwilioAuthenticateOptions, TwilioStrategyOptions, TwilioStrategyOptionsWithRequest } from './login/options'
export type {
  MaybeUser,
  TokenParameters,
  Verify,
  VerifyCallback,
  VerifyResult,
  VerifyWithParameters,
  VerifyWithRequest,
  VerifyWithRequestAndParameters
} from './login/verify'

export { TwilioOAuthClient } from './oauth/client'
export type { AuthorizationParameters, CallOptions, ClientCredentialsOptions, ExchangeCodeOptions, RefreshOptions } from './oauth/client'
export type { DiscoveredEndpoints, DiscoverOptions } from './oauth/discovery'
export type { IdTokenOptions, JSONWebKeySet, TwilioOAuthClientOptions } from './oauth/options'
export type { ApiVersion, OAuthParameters } from './oauth/dialect'

export type { Claims } from './oauth/claims'
export type { TwilioProfile } from './oauth/profile'
export type { TwilioTokens } from './oauth/tokens'

export type { DiagnosticsMessages, LoginMessage, LogoutMessage, RefreshMessage, TokenMessage } from './diagnostics'

export { TwilioIdTokenError, TwilioNetworkError, TwilioPermissionError, TwilioResponseError, TwilioTimeoutError, TwilioTokenError, TwilioUnavailableError } from './errors'
export { LoginStateError } from './login/login-state-error'
export type { LoginStateCause, LoginStateErrorOptions, LoginStateReason } from './login/login-state-error'

export { returnTo } from './request/return-to'
export { requireLogin } from './session/require-login'
export type { RequireLoginOptions } from './session/require-login'
export { renewableCookieSession } from './session/cookie-session'
export { postgresRefreshes } from './session/records/postgres-refreshes'
export type { PostgresPool, PostgresResult, PostgresRefreshesOptions } from './session/records/postgres-refreshes'
export { redisRefreshes } from './session/records/redis-refreshes'
export type { RedisRefreshesOptions } from './session/records/redis-refreshes'
export type { RedisClient } from './session/records/redis-client'
export { RefreshStoreError } from './session/records/refresh-store'
export type { Acquired, AcquireRequest, Refreshes, RefreshRecord, ReleaseRequest, SaveRequest } from './session/records/refresh-store'
export { SessionTokens } from './session/session-tokens'
export type { UserSerializer } from './session/session-tokens'
export type { SessionTokensOptions } from './session/options'
export type { TwilioWarningCode } from './session/warnings'
export type { Middleware } from './session/middleware'
