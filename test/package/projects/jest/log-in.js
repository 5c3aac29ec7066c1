const request = require('supertest')

exports.callbackURL = 'http://localhost:3000/auth/twilio/callback'

/** Logs in as a person with a browser does, and returns the browser with the response of the callback. */
exports.logIn = async function logIn(app, sandbox, decision) {
  const browser = request.agent(app)
  const login = await browser.get('/auth/twilio').expect(302)
  const { pathname, search } = new URL(await sandbox.login(login.headers.location, decision))
  return { browser, callback: await browser.get(pathname + search) }
}
