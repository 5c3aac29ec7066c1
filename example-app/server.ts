import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startSandbox, type Sandbox } from 'passport-twilio/sandbox'
import { createApp } from './app.ts'
import { ConfigError, readConfig } from './config.ts'

await start().catch((error: unknown) => {
  console.error(inWords(error))
  process.exit(1)
})

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(config.port, resolve)
  })
  const { port } = server.address() as AddressInfo
  const baseURL = config.baseURL ?? `http://localhost:${port}`
  const sandbox = config.credentials ? undefined : await startSandboxFor(baseURL)
  server.on('request', createApp({ config, baseURL, sandbox }))

  const where = sandbox ? 'a sandbox, a Twilio on this machine, since TWILIO_CLIENT_ID is not set' : `Twilio (${config.apiVersion})`
  console.log(`Logging in with ${where}. Open ${baseURL}`)

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      server.close()
      server.closeAllConnections()
      void sandbox?.stop()
    })
  }
}

function startSandboxFor(baseURL: string): Promise<Sandbox> {
  return startSandbox({
    apps: [{ name: 'Example app', redirectURIs: [`${baseURL}/auth/twilio/callback`] }]
  })
}

function inWords(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') return `Port ${port} is taken. Stop what runs there, or choose another: PORT=3001 npm start`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

