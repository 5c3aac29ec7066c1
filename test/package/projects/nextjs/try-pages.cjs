// Starts a sandbox and the built app, and logs in to its pages: node try-pages.cjs server.mjs
'use strict'
const assert = require('node:assert/strict')
const { resolve } = require('node:path')
const { setTimeout: pause } = require('node:timers/promises')
const { pathToFileURL } = require('node:url')
const { listening, prepareApp, run } = require('./app.cjs')
const { Browser } = require('./log-in.cjs')

/** The headers with which Next.js's router requests the content of a page. */
const FROM_ROUTER = { RSC: '1', Accept: '*/*', 'Sec-Fetch-Dest': 'empty' }

async function main(file) {
  const { appURL, sandbox, environment } = await prepareApp({ accessTokenTTL: 2 })
  Object.assign(process.env, environment)
  await import(pathToFileURL(resolve(file)))
  await listening(environment.PORT)

  const browser = new Browser(appURL)
  const home = await browser.request('/')
  assert.match(await home.text(), /Log in with Twilio/)
  assert.equal(await statusOf(browser, '/account', FROM_ROUTER), 401, "the router should get no content without a login, and load the page instead")

  await browser.logIn(sandbox)
  const account = await accountIn(browser)
  assert.match(account.id, /^OR/, 'the page should know whose organization logged in')
  assert.equal(await statusOf(browser, '/unguarded'), 500, 'a page that is not guarded should have no request')
  await pause(Math.max(0, account.expiresAt - 900 - Date.now()))
  const later = await accountIn(browser)
  assert.ok(later.expiresAt > account.expiresAt, 'the tokens should have been refreshed')

  await browser.request('/logout', { method: 'POST' })
  assert.equal(await statusOf(browser, '/account'), 302)
}

async function statusOf(browser, path, headers) {
  const { status } = await browser.request(path, { headers })
  return status
}

/** The JSON in the page, in whose HTML quotation marks are entities. */
async function accountIn(browser) {
  const page = await browser.request('/account')
  const [, json = 'null'] = /<p>(\{.*?\})<\/p>/.exec(await page.text()) ?? []
  return JSON.parse(json.replaceAll('&quot;', '"'))
}

run(() => main(process.argv[2]))
