// Logs in to an app as a browser does.
'use strict'
const assert = require('node:assert/strict')

/** A browser without redirects. Cookies don't depend on the port, as in real browsers. */
class Browser {
  #appURL
  #cookies

  constructor(appURL, cookies = new Map()) {
    this.#appURL = appURL
    this.#cookies = cookies
  }

  /** The value of the `Cookie` header. */
  get cookie() {
    return [...this.#cookies].map((pair) => pair.join('=')).join('; ')
  }

  /** The same browser at another process of the app. */
  at(appURL) {
    return new Browser(appURL, this.#cookies)
  }

  /** A browser that has the cookies of this one at this moment. */
  copy() {
    return new Browser(this.#appURL, new Map(this.#cookies))
  }

  async request(url, { headers, ...options } = {}) {
    const response = await this.send(new URL(url, this.#appURL), { method: 'GET', ...options, headers: { Accept: 'text/html', Cookie: this.cookie, ...headers } })
    for (const header of response.headers.getSetCookie()) {
      const [pair] = header.split(';')
      const at = pair.indexOf('=')
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return response
  }

  send(url, options) {
    return fetch(url, { redirect: 'manual', ...options })
  }

  /** The JSON of a page that must be shown. */
  async read(path) {
    const response = await this.request(path)
    const text = await response.text()
    assert.equal(response.status, 200, `the page should be shown; got ${text}`)
    return JSON.parse(text)
  }

  async logIn(sandbox) {
    const loginPath = await this.#follow('/account?from=here', 'a visitor who is not logged in should be redirected to the login')
    const authorizeURL = await this.#follow(loginPath, 'the login should redirect to Twilio')
    const back = await sandbox.login(authorizeURL)
    const page = await this.#follow(back, 'the callback should complete the login')
    assert.equal(new URL(page, this.#appURL).href, `${this.#appURL}/account?from=here`, 'the login should return to the page that was requested')
  }

  async #follow(url, meaning) {
    const response = await this.request(url)
    assert.equal(response.status, 302, `${meaning}; got ${response.status} ${await response.text()}`)
    return response.headers.get('location')
  }
}
exports.Browser = Browser

/** Resolves to a function that reads the app's JSON pages. */
exports.logIn = async function logIn(appURL, sandbox) {
  const browser = new Browser(appURL)
  await browser.logIn(sandbox)
  return (path) => browser.read(path)
}
