import type { RequestHandler } from 'express'
import * as client from 'openid-client'
import { Strategy } from 'openid-client/passport'
import { addAccount, CLIENT_ID, CLIENT_SECRET, type SetUp } from './contender.ts'
import { authenticated, keepTokens, logOut, usePassport } from './passport-app.ts'
import { refreshed, type TokenResponse } from './tokens.ts'

/** openid-client's own Passport strategy. */
export const openidClient: SetUp = async (setting) => {
  const { app, issuer, callbackURL } = setting
  const config = await client.discovery(new URL(issuer), CLIENT_ID, undefined, client.ClientSecretPost(CLIENT_SECRET), { execute: [client.allowInsecureRequests] })
  const strategy = new Strategy({ config, scope: 'openid offline_access', callbackURL, name: 'openid' }, (tokens, done) => {
    // The strategy doesn't pass on `info`.
    done(null, { id: tokens.claims()?.sub, tokens })
  })
  const instance = usePassport(setting, (_req, user, done) => done(null, { ...user, tokens: undefined })).use('openid', strategy)
  app.get('/login', instance.authenticate('openid') as RequestHandler)
  app.get('/callback', instance.authenticate('openid') as RequestHandler, keepTokens(({ user }) => (user as { tokens?: unknown }).tokens))
  const refresh = async (refreshToken: string) => (await client.refreshTokenGrant(config, refreshToken)) as unknown as TokenResponse
  addAccount(setting, { guards: [authenticated, refreshed(refresh)], logOut: [logOut] })
}
