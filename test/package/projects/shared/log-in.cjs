// Logs in to an app as a browser would, and says what its /account shows then.
'use strict'
const assert = require('node:assert/strict')

exports.logIn = async function logIn(appURL, sandbox) {
  const cookies = new Map()

  async function get(url) {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { Accept: 'text/html', Cookie: cookie } })
    for (const header of response.headers.getSetCookie()) {
      const [pair] = header.split(';')
      const at = pair.indexOf('=')
      cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return response
  }

  const guarded = await get(`${appURL}/account`)
  assert.equal(guarded.status, 302, 'a stranger is sent to log in')
  const begun = await get(new URL(guarded.headers.get('location'), appURL))
  assert.equal(begun.status, 302, 'the login goes to Twilio')
  const returned = await get(await sandbox.login(begun.headers.get('location')))
  assert.equal(returned.status, 302, `the callback ends the login (${await returned.text()})`)
  const page = await get(new URL(returned.headers.get('location'), appURL))
  assert.equal(page.status, 200, 'the page that was wanted is shown')
  return page.json()
}
