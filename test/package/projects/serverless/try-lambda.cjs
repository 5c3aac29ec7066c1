// Starts a sandbox, and logs in through events of AWS Lambda: node try-lambda.cjs function.js
'use strict'
const assert = require('node:assert/strict')
const { resolve } = require('node:path')
const { setTimeout: pause } = require('node:timers/promises')
const { pathToFileURL } = require('node:url')
const { prepareApp, run } = require('./app.cjs')
const { Browser } = require('./log-in.cjs')

/** The two formats of an HTTP request in an event. API Gateway calls them payload format versions; function URLs have 2.0. */
const FORMATS = {
  '1.0': {
    event: ({ pathname, searchParams }, { method, headers }) => ({
      version: '1.0',
      httpMethod: method,
      path: pathname,
      headers,
      multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
      queryStringParameters: Object.fromEntries(searchParams),
      multiValueQueryStringParameters: Object.fromEntries([...searchParams.keys()].map((name) => [name, searchParams.getAll(name)])),
      requestContext: { identity: { sourceIp: '192.0.2.1' } },
      body: null,
      isBase64Encoded: false
    }),
    cookies: ({ multiValueHeaders }) => multiValueHeaders['set-cookie'] ?? []
  },
  '2.0': {
    event: ({ pathname, search }, { method, headers: { Cookie: cookie, ...headers } }) => ({
      version: '2.0',
      rawPath: pathname,
      rawQueryString: search.slice(1),
      cookies: cookie === '' ? undefined : cookie.split('; '),
      headers,
      requestContext: { http: { method, path: pathname, sourceIp: '192.0.2.1' } },
      body: '',
      isBase64Encoded: false
    }),
    cookies: ({ cookies }) => cookies
  }
}

/** A browser whose requests are events. */
class LambdaBrowser extends Browser {
  #handler
  #format

  constructor(appURL, handler, format) {
    super(appURL)
    this.#handler = handler
    this.#format = format
  }

  async send(url, { method, headers }) {
    const result = await this.#handler(this.#format.event(url, { method, headers: { ...headers, Host: url.host, 'X-Forwarded-Proto': 'https' } }), {})
    const response = new Response(result.body, { status: result.statusCode, headers: result.headers })
    for (const cookie of this.#format.cookies(result)) response.headers.append('Set-Cookie', cookie)
    return response
  }
}

async function main(file) {
  // A second longer than the app's `leeway`: a token is then due for a refresh, and valid for long.
  const { appURL, sandbox, environment } = await prepareApp({ accessTokenTTL: 60 })
  Object.assign(process.env, environment)
  const { handler } = await import(pathToFileURL(resolve(file)))

  for (const format of Object.values(FORMATS)) {
    const browser = new LambdaBrowser(appURL, handler, format)
    await browser.logIn(sandbox)
    const account = await browser.read('/account')
    assert.match(account.id, /^OR/, 'the app should know whose organization logged in')
    await pause(Math.max(0, account.expiresAt - 59_000 - Date.now()))
    const { refreshes } = sandbox.counts
    const later = await browser.read('/account')
    // Once the response is there, Lambda freezes the process.
    assert.equal(sandbox.counts.refreshes, refreshes + 1, 'the refresh should be finished before the response')
    assert.ok(later.expiresAt > account.expiresAt, 'the response should have the refreshed token')

    await browser.request('/logout', { method: 'POST' })
    const { status } = await browser.request('/account')
    assert.equal(status, 302)
  }
}

run(() => main(process.argv[2]))
