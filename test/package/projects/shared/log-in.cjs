// Logs in to an app as a browser does; returns a function that reads the app's JSON pages.
'use strict'
const assert = require('node:assert/strict')

exports.logIn = async function logIn(appURL, sandbox) {
  const cookies = new Map()

  async function get(url) {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
    const response = await fetch(new URL(url, appURL), { redirect: 'manual', headers: { Accept: 'text/html', Cookie: cookie } })
    for (const header of response.headers.getSetCookie()) {
      const [pair] = header.split(';')
      const at = pair.indexOf('=')
      cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return response
  }

  async function follow(url, meaning) {
    const response = await get(url)
    assert.equal(response.status, 302, `${meaning}; got ${response.status} ${await response.text()}`)
    return response.headers.get('location')
  }

  const loginPath = await follow('/account?from=here', 'a visitor who is not logged in should be redirected to the login')
  const authorizeURL = await follow(loginPath, 'the login should redirect to Twilio')
  const back = await sandbox.login(authorizeURL)
  const page = await follow(back, 'the callback should complete the login')
  assert.equal(new URL(page, appURL).href, `${appURL}/account?from=here`, 'the login should return to the page that was requested')

  return async function read(path) {
    const response = await get(path)
    const text = await response.text()
    assert.equal(response.status, 200, `the page should be shown; got ${text}`)
    return JSON.parse(text)
  }
}
