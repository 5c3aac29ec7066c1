import type { RequestHandler } from 'express'
import oidc from 'express-openid-connect'
import { addPage, CLIENT_ID, CLIENT_SECRET, SECRET, type SetUp } from './contender.ts'

/** express-openid-connect, whose session is an encrypted cookie. It has its own `/logout`. */
export const expressOpenidConnect: SetUp = (setting) => {
  const { app, issuer, callbackURL } = setting
  app.use(
    oidc.auth({
      issuerBaseURL: issuer,
      baseURL: new URL(callbackURL).origin,
      clientID: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      secret: SECRET,
      authRequired: false,
      clientAuthMethod: 'client_secret_post',
      authorizationParams: { response_type: 'code', scope: 'openid offline_access' },
      session: { cookie: { secure: false } }
    })
  )
  addPage(setting, '/account', oidc.requiresAuth(), refreshIfExpired)
}

const refreshIfExpired: RequestHandler = (req, _res, next) => {
  const { accessToken } = req.oidc
  if (!accessToken?.isExpired()) {
    next()
    return
  }
  accessToken.refresh().then(() => next(), next)
}
