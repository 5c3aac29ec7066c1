import grantModule from 'grant'
import { addAccount, CLIENT_ID, CLIENT_SECRET, useSession, type SetUp } from './contender.ts'
import { destroySession, loggedIn } from './hand-written.ts'
import { kept, type TokenResponse } from './tokens.ts'

declare module 'express-session' {
  interface SessionData {
    grant?: { response?: { raw?: TokenResponse; jwt?: { id_token?: { payload?: { sub?: string } } } } }
  }
}

/** grant, which has no refresh. */
export const grant: SetUp = (setting) => {
  const { app, issuer, callbackURL } = setting
  useSession(setting)
  app.use(
    grantModule.default.express({
      defaults: { origin: new URL(callbackURL).origin, transport: 'session', state: true, pkce: true, response: ['tokens', 'raw', 'jwt'] },
      bench: {
        authorize_url: `${issuer}/authorize`,
        access_url: `${issuer}/token`,
        oauth: 2,
        key: CLIENT_ID,
        secret: CLIENT_SECRET,
        scope: ['offline_access'],
        redirect_uri: callbackURL,
        callback: '/finished'
      }
    })
  )
  app.get('/finished', (req, res, next) => {
    const response = req.session.grant?.response
    req.session.regenerate((error: unknown) => {
      if (error || !response?.raw) {
        next(error ?? new Error('grant has no tokens.'))
        return
      }
      req.session.user = { id: response.jwt?.id_token?.payload?.sub }
      req.session.tokens = kept(response.raw)
      res.redirect('/account')
    })
  })
  addAccount(setting, { guards: [loggedIn], logOut: [destroySession] })
}
