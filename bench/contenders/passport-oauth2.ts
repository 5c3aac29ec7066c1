import type { RequestHandler } from 'express'
import { AuthTokenRefresh } from 'passport-oauth2-refresh'
import { Strategy } from 'passport-oauth2'
import { addAccount, CLIENT_ID, CLIENT_SECRET, type SetUp } from './contender.ts'
import { authenticated, keepTokens, logOut, usePassport } from './passport-app.ts'
import { refreshed, userIn, type TokenResponse } from './tokens.ts'

type Done = (error: unknown, user: object | undefined, info: object) => void

/** passport-oauth2 with passport-oauth2-refresh. */
export const passportOAuth2: SetUp = (setting) => {
  const { app, issuer, callbackURL } = setting
  const strategy = new Strategy(
    {
      authorizationURL: `${issuer}/authorize`,
      tokenURL: `${issuer}/token`,
      clientID: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      callbackURL,
      scope: 'offline_access',
      state: true,
      pkce: true
    },
    (accessToken: string, refreshToken: string, params: TokenResponse, _profile: unknown, done: Done) => {
      done(null, userIn(params.id_token), { tokens: { ...params, access_token: accessToken, refresh_token: refreshToken } })
    }
  )
  const refresher = new AuthTokenRefresh()
  refresher.use(strategy)
  const refresh = (refreshToken: string) =>
    new Promise<TokenResponse>((resolve, reject) => {
      refresher.requestNewAccessToken('oauth2', refreshToken, {}, (error, _accessToken, _refreshToken, response) => {
        if (error) reject(new Error('The tokens could not be refreshed.', { cause: error }))
        else resolve(response as TokenResponse)
      })
    })
  const instance = usePassport(setting).use(strategy)
  app.get('/login', instance.authenticate('oauth2') as RequestHandler)
  app.get('/callback', instance.authenticate('oauth2') as RequestHandler, keepTokens(({ authInfo }) => authInfo?.tokens))
  addAccount(setting, { guards: [authenticated, refreshed(refresh)], logOut: [logOut] })
}
