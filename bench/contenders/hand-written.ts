import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import type { RequestHandler } from 'express'
import { addAccount, CLIENT_ID, CLIENT_SECRET, useSession, type SetUp } from './contender.ts'
import { kept, refreshed, userIn, type TokenResponse } from './tokens.ts'

declare module 'express-session' {
  interface SessionData {
    login?: { state: string; verifier: string }
  }
}

/** The least that a careful developer would write by hand. */
export const handWritten: SetUp = (setting) => {
  const { app, issuer, callbackURL } = setting
  const requestTokens = tokenRequester(issuer)
  useSession(setting)
  app.get('/login', (req, res) => {
    const state = randomBytes(16).toString('base64url')
    const verifier = randomBytes(32).toString('base64url')
    req.session.login = { state, verifier }
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: CLIENT_ID,
      redirect_uri: callbackURL,
      scope: 'offline_access',
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256'
    })
    res.redirect(`${issuer}/authorize?${query.toString()}`)
  })
  app.get('/callback', (req, res, next) => {
    const { login } = req.session
    const { code, state } = req.query
    if (!login || login.state !== state || typeof code !== 'string') {
      res.status(403).end()
      return
    }
    requestTokens({ grant_type: 'authorization_code', code, redirect_uri: callbackURL, code_verifier: login.verifier }).then((tokens) => {
      req.session.regenerate((error: unknown) => {
        const user = userIn(tokens.id_token)
        if (error || !user) {
          next(error ?? new Error('The ID token is invalid.'))
          return
        }
        req.session.user = user
        req.session.tokens = kept(tokens)
        res.redirect('/account')
      })
    }, next)
  })
  addAccount(setting, { guards: [loggedIn, refreshed((refreshToken) => requestTokens({ grant_type: 'refresh_token', refresh_token: refreshToken }))], logOut: [destroySession] })
}

export const loggedIn: RequestHandler = (req, res, next) => {
  if (req.session.user) next()
  else res.status(401).end()
}

export const destroySession: RequestHandler = (req, _res, next) => {
  req.session.destroy(next)
}

function tokenRequester(issuer: string): (parameters: Record<string, string>) => Promise<TokenResponse> {
  const { Agent, request: send } = issuer.startsWith('https:') ? https : http
  const agent = new Agent({ keepAlive: true })
  return (parameters) => {
    const body = new URLSearchParams({ ...parameters, client_id: CLIENT_ID, client_secret: CLIENT_SECRET }).toString()
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(body) }
      const request = send(`${issuer}/token`, { method: 'POST', agent, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve(JSON.parse(text) as TokenResponse))
      })
      request.on('error', reject)
      request.end(body)
    })
  }
}
