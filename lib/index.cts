// `require('passport-twilio')` returns the constructor, as users of Passport expect, with all other exports as its properties.
/* eslint-disable @typescript-eslint/no-namespace, @typescript-eslint/no-require-imports -- the only way to export types together with `export =` */
import surface = require('./index.js')

const TwilioStrategy: typeof surface.TwilioStrategy & typeof surface = Object.assign(surface.TwilioStrategy, surface)
type TwilioStrategy = surface.TwilioStrategy

namespace TwilioStrategy {
  export type TwilioStrategy = surface.TwilioStrategy
  export type Strategy = surface.TwilioStrategy
  export type TwilioStrategyOptions = surface.TwilioStrategyOptions
  export type TwilioStrategyOptionsWithRequest = surface.TwilioStrategyOptionsWithRequest
  export type TwilioAuthenticateOptions = surface.TwilioAuthenticateOptions
  export type MaybeUser = surface.MaybeUser
  export type TokenParameters = surface.TokenParameters
  export type Verify = surface.Verify
  export type VerifyCallback = surface.VerifyCallback
  export type VerifyResult = surface.VerifyResult
  export type VerifyWithParameters = surface.VerifyWithParameters
  export type VerifyWithRequest = surface.VerifyWithRequest
  export type VerifyWithRequestAndParameters = surface.VerifyWithRequestAndParameters
  export type TwilioOAuthClient = surface.TwilioOAuthClient
  export type TwilioOAuthClientOptions = surface.TwilioOAuthClientOptions
  export type AuthorizationParameters = surface.AuthorizationParameters
  export type CallOptions = surface.CallOptions
  export type ClientCredentialsOptions = surface.ClientCredentialsOptions
  export type DiscoveredEndpoints = surface.DiscoveredEndpoints
  export type DiscoverOptions = surface.DiscoverOptions
  export type ExchangeCodeOptions = surface.ExchangeCodeOptions
  export type RefreshOptions = surface.RefreshOptions
  export type IdTokenOptions = surface.IdTokenOptions
  export type JSONWebKeySet = surface.JSONWebKeySet
  export type ApiVersion = surface.ApiVersion
  export type OAuthParameters = surface.OAuthParameters
  export type Claims = surface.Claims
  export type TwilioProfile = surface.TwilioProfile
  export type TwilioTokens = surface.TwilioTokens
  export type LoginStateError = surface.LoginStateError
  export type LoginStateReason = surface.LoginStateReason
  export type TwilioIdTokenError = surface.TwilioIdTokenError
  export type TwilioNetworkError = surface.TwilioNetworkError
  export type TwilioPermissionError = surface.TwilioPermissionError
  export type TwilioResponseError = surface.TwilioResponseError
  export type TwilioTimeoutError = surface.TwilioTimeoutError
  export type TwilioTokenError = surface.TwilioTokenError
  export type TwilioUnavailableError = surface.TwilioUnavailableError
  export type RequireLoginOptions = surface.RequireLoginOptions
  export type SessionTokens = surface.SessionTokens
  export type SessionTokensOptions = surface.SessionTokensOptions
  export type UserSerializer = surface.UserSerializer
  export type RefreshStoreError = surface.RefreshStoreError
  export type Acquired = surface.Acquired
  export type AcquireRequest = surface.AcquireRequest
  export type Refreshes = surface.Refreshes
  export type RefreshRecord = surface.RefreshRecord
  export type ReleaseRequest = surface.ReleaseRequest
  export type SaveRequest = surface.SaveRequest
  export type PostgresPool = surface.PostgresPool
  export type PostgresResult = surface.PostgresResult
  export type PostgresRefreshesOptions = surface.PostgresRefreshesOptions
  export type RedisClient = surface.RedisClient
  export type RedisRefreshesOptions = surface.RedisRefreshesOptions
  export type Middleware = surface.Middleware
}

export = TwilioStrategy
