// Logs in to an app as a browser would; gives a way to read its pages then.
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
    assert.equal(response.status, 302, `${meaning}, and not: ${response.status} ${await response.text()}`)
    return response.headers.get('location')
  }

  const loginPath = await follow('/account?from=here', 'a stranger is sent to log in')
  const authorizeURL = await follow(loginPath, 'the login goes to Twilio')
  const back = await sandbox.login(authorizeURL)
  const page = await follow(back, 'the callback ends the login')
  assert.equal(new URL(page, appURL).href, `${appURL}/account?from=here`, 'one comes back to the page that was wanted')

  return async function read(path) {
    const response = await get(path)
    const text = await response.text()
    assert.equal(response.status, 200, `the page is shown, and not: ${text}`)
    return JSON.parse(text)
  }
}
