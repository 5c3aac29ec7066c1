import type { Sandbox } from '../../lib/sandbox'
import { freePort, type Command, type Newcomer } from './newcomer'
import { Page } from './page'
import { Visitor } from './visitor'

const readme = new Page('README.md')
export const quickStart = readme.take('Quick start', 'js')
/** The README's error handler. */
export const errorHandler = readme.take('Errors', 'js')

/** A route that makes the token of a session expire. */
export const expire = "app.post('/expire', async (req, res) => { await tokens.expire(req); res.sendStatus(204) })"

/** Runs an app on a free port. */
export async function runApp(newcomer: Newcomer, { clientID, clientSecret, url }: Pick<Sandbox, 'clientID' | 'clientSecret' | 'url'>, app: string, environment: Readonly<Record<string, string>> = {}): Promise<{ url: string; visitor: Visitor; command: Command }> {
  const port = String(await freePort())
  await newcomer.write('app.mjs', app.replaceAll('3000', port))
  const command = newcomer.run('node app.mjs', { SESSION_SECRET: 'of the tests', TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url, ...environment })
  await command.prints('Open ')
  const appURL = `http://localhost:${port}`
  return { url: appURL, visitor: new Visitor(appURL), command }
}
