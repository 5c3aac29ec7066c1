import { createServer } from 'node:http'
import { startSandbox, type Sandbox } from 'passport-twilio/sandbox'
import request from 'supertest'
import { CALLBACK_PATH, createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { log } from '../src/log.ts'
import { openUsers } from '../src/users.ts'

/** The app, with a sandbox in place of Twilio. */
export interface TestApp {
  sandbox: Sandbox
  /** A browser without cookies. */
  newVisitor(): Visitor
  /** A browser in which a person has logged in: by default, the first of the sandbox's people. */
  logIn(person?: string): Promise<Visitor>
  /** The same, and the person has chosen their account. */
  logInToAccount(person?: string): Promise<Visitor>
  stop(): Promise<void>
}

export type Visitor = ReturnType<typeof request.agent>

const BASE_URL = 'http://localhost:3000'

export async function startTestApp(): Promise<TestApp> {
  log.level = 'silent'
  const sandbox = await startSandbox({ apps: [{ redirectURIs: [BASE_URL + CALLBACK_PATH] }] })
  const { clientID, clientSecret, url, apiURL } = sandbox
  const { app } = createApp({
    config: readConfig({ TWILIO_SCOPE: 'openid profile email offline_access' }),
    baseURL: BASE_URL,
    twilio: { clientID, clientSecret, baseURL: url, apiBaseURL: apiURL },
    users: await openUsers({ databaseURL: undefined, redis: undefined })
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  const newVisitor = () => request.agent(server)
  const logIn = async (person?: string) => {
    const visitor = newVisitor()
    const { headers } = await visitor.get('/auth/twilio').expect(302)
    const callback = new URL(await sandbox.login(String(headers.location), { as: person }))
    await visitor.get(callback.pathname + callback.search).expect(302)
    return visitor
  }
  return {
    sandbox,
    newVisitor,
    logIn,
    async logInToAccount(person) {
      const visitor = await logIn(person)
      const { accountSid } = sandbox.people.find(({ name }) => name === person) ?? sandbox
      await visitor.post('/accounts').type('form').send({ accountSid }).expect(303)
      return visitor
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await sandbox.stop()
    }
  }
}
