import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import { isBuiltin } from 'node:module'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { PERMISSIONS, startSandbox, type Sandbox } from '../../lib/sandbox'
import { logIn } from '../../lib/sandbox/login'
import { BUNDLE, JEST_WITH_IMPORT, RUN_TESTS, START, START_WITH_PNP } from '../package/setups'
import { launchBrowser } from '../support/browser'
import { PostgresServer } from '../support/postgres'
import { RedisServer } from '../support/redis'
import { compose, importedBy } from './compose'
import { freePort, Newcomer, type Command } from './newcomer'
import { Page, type Block } from './page'
import { Surface } from './surface'
import { typeErrors } from './types'
import { Visitor } from './visitor'

const readme = new Page('README.md')
/** The recipes: all pages in docs/, except those with tests of their own and the reports of measurements. */
const recipes = new Map(
  readdirSync('docs')
    .filter((name) => name.endsWith('.md') && !['compatibility.md', 'errors.md', 'faults.md', 'figures.md', 'monitoring.md', 'mutation.md'].includes(name))
    .map((name) => [name, new Page(`docs/${name}`)])
)

function recipe(name: string): Page {
  const page = recipes.get(name)
  assert.ok(page, `docs/${name} is missing`)
  return page
}

const QUICK_START = 'Quick start'
const quickStart = readme.take(QUICK_START, 'js')
const settings = readme.take(QUICK_START, 'ini')
const installCommand = readme.take(QUICK_START, 'sh')
const startSandboxCommand = readme.take(QUICK_START, 'sh')
const startAppCommand = readme.take(QUICK_START, 'sh')
const doctorCommand = recipe('creating-the-oauth-app.md').take('Checking the setup', 'sh')

/** The URL and port in the README, which the tests replace. */
const APP = 'http://localhost:3000'
const SANDBOX_PORT = '8020'

/** The projects in which the packed package is tried. */
const PROJECTS = join(process.cwd(), 'test/package/projects')

const SECRETS = { SESSION_SECRET: 'a session secret for the tests', TOKEN_SECRET: 'a token secret for the tests, 32 characters or more' }

describe('the README and its recipes', () => {
  let newcomer: Newcomer
  let sandbox: Sandbox
  beforeEach(async () => {
    newcomer = await Newcomer.arrive()
    sandbox = await startSandbox()
  })
  afterEach(async () => {
    await newcomer.leave()
    await sandbox.stop()
  })

  /** The credentials and addresses that the sandbox has instead of Twilio's. */
  function environment(): Record<string, string> {
    const { clientID, clientSecret, url, apiURL } = sandbox
    return { ...SECRETS, TWILIO_CLIENT_ID: clientID, TWILIO_CLIENT_SECRET: clientSecret, TWILIO_BASE_URL: url, TWILIO_API_BASE_URL: apiURL }
  }

  /** Runs an app of the README on a free port. */
  async function start(app: string, more: Readonly<Record<string, string>> = {}): Promise<{ url: string; command: Command }> {
    const port = String(await freePort())
    const name = `${port}-app.mjs`
    await newcomer.write(name, app.replaceAll('3000', port))
    const command = newcomer.run(`node ${name}`, { ...environment(), ...more })
    await command.prints('Open ')
    return { url: APP.replace('3000', port), command }
  }

  async function run(app: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
    const { url } = await start(app, more)
    return url
  }

  const approve = (url: string) => sandbox.login(url)

  async function statusOf(visitor: Visitor, path: string): Promise<number> {
    const { status } = await visitor.request(path)
    return status
  }

  describe(QUICK_START, () => {
    const shown = JSON.parse(readme.take(QUICK_START, 'json')) as { user: { id: string; identifies: string }; tokenExpiresAt: number }

    it('logs a person in on the sandbox, shows their page, and logs them out', async () => {
      const [port, sandboxPort] = [String(await freePort()), String(await freePort())]
      await newcomer.write('app.mjs', quickStart.replaceAll('3000', port))
      await newcomer.write('.env', settings.replaceAll(SANDBOX_PORT, sandboxPort))
      await newcomer.run(startSandboxCommand.replaceAll(SANDBOX_PORT, sandboxPort)).prints('Press Ctrl-C to stop.')
      await newcomer.run(startAppCommand).prints(`Open ${APP.replace('3000', port)}`)

      const approveThere = (authorizeURL: string) => logIn(authorizeURL, {}, { url: `http://127.0.0.1:${sandboxPort}`, people: sandbox.people })
      const visitor = new Visitor(APP.replace('3000', port))
      assert.match((await visitor.request('/')).text, /href="\/account"/)
      assert.equal((await visitor.request('/account')).location, '/auth/twilio')
      assert.equal((await visitor.logIn(approveThere)).location, '/account')
      const account = JSON.parse((await visitor.request('/account')).text) as typeof shown
      assert.ok(account.user.id.startsWith(shown.user.id.slice(0, -1)))
      assert.equal(account.user.identifies, shown.user.identifies)
      assert.ok(account.tokenExpiresAt > Date.now())
      assert.match((await visitor.request('/')).text, /action="\/logout"/)
      assert.equal((await visitor.request('/logout', { method: 'POST' })).location, '/')
      assert.equal(await statusOf(visitor, '/account'), 302)
    })

    it('says so on the home page if the person denied the login', async () => {
      const visitor = new Visitor(await run(quickStart))
      const { location } = await visitor.logIn((url) => sandbox.login(url, { deny: true }))
      assert.match((await visitor.request(location)).text, /You are not logged in, because access was denied\..*Log in with Twilio/)
      assert.doesNotMatch((await visitor.request('/')).text, /denied/)
    })

    it('fails at startup and names the variable if SESSION_SECRET is not set', async () => {
      await newcomer.write('app.mjs', quickStart)
      const failing = newcomer.run('node app.mjs', { ...environment(), SESSION_SECRET: '' })
      assert.equal(await failing.ends(), 1)
      assert.match(failing.output, /SESSION_SECRET is not set\. Add it to \.env\./)
    })

    it('warns in production that sessions are kept in memory', async () => {
      await newcomer.write('app.mjs', quickStart.replaceAll('3000', String(await freePort())))
      const app = newcomer.run('node app.mjs', { ...environment(), NODE_ENV: 'production' })
      await app.prints('Open ')
      assert.match(app.output, /MemoryStore is not\s+designed for a production environment/)
    })

    it('has a command that finds a wrong client secret', async () => {
      const { clientID, clientSecret, url } = sandbox
      const command = `${doctorCommand.replace(/OQ\w+/, clientID)} --base-url ${url}`
      const [right, wrong] = [newcomer.run(command, { TWILIO_CLIENT_SECRET: clientSecret }), newcomer.run(command, { TWILIO_CLIENT_SECRET: 'of another app' })]
      assert.deepEqual([await right.ends(), await wrong.ends()], [0, 1], right.output + wrong.output)
      assert.match(wrong.output, /✗ Client secret: .*Check clientID and clientSecret/)
    })

    it('exits with the reason if its port is taken', async () => {
      const other = createServer()
      await new Promise<void>((resolve) => other.listen(0, resolve))
      const { port } = other.address() as AddressInfo
      await newcomer.write('app.mjs', quickStart.replaceAll('3000', String(port)))
      await newcomer.write('.env', settings)
      const command = newcomer.run(startAppCommand)
      assert.equal(await command.ends(), 1)
      assert.match(command.output, /EADDRINUSE/)
      assert.doesNotMatch(command.output, /Open http/)
      await new Promise((resolve) => other.close(resolve))
    })
  })

  describe('TypeScript', () => {
    const page = recipe('typescript.md')
    page.take('TypeScript', 'sh')
    const changes = page.take('TypeScript', 'ts')
    const command = page.take('TypeScript', 'sh')

    it('compiles the quick start in strict mode, and runs it', async () => {
      const app = compose(quickStart, changes)
      await newcomer.write('app.mts', app)
      await newcomer.write('wrong.mts', app.replace('req.twilioTokens?.expiresAt', 'req.twilioTokens?.expires'))
      const [errors, errorsOfWrong] = typeErrors(newcomer.folder, 'app.mts', 'wrong.mts')
      assert.deepEqual(errors, [])
      assert.match(String(errorsOfWrong), /^Property 'expires' does not exist on type 'TwilioTokens'\./)

      const port = String(await freePort())
      await newcomer.write('app.mts', app.replaceAll('3000', port))
      await newcomer.write('.env', Object.entries(environment()).map(([name, value]) => `${name}=${value}\n`).join(''))
      await newcomer.run(command).prints('Open ')
      const visitor = new Visitor(APP.replace('3000', port))
      await visitor.logIn(approve)
      assert.equal(await statusOf(visitor, '/account'), 200)
    })

    it('fails at startup and names the variable if SESSION_SECRET is not set', async () => {
      await newcomer.write('app.mts', compose(quickStart, changes))
      await newcomer.write('.env', '')
      const failing = newcomer.run(command, { ...environment(), SESSION_SECRET: '' })
      assert.equal(await failing.ends(), 1)
      assert.match(failing.output, /SESSION_SECRET is not set\. Add it to \.env\./)
    })
  })

  const expire = "app.post('/expire', async (req, res) => { await tokens.expire(req); res.sendStatus(204) })"

  async function refreshOnceInTwoProcesses(app: string, environment: Readonly<Record<string, string>>): Promise<void> {
    const processes = [await run(app, environment), await run(app, environment)] as const
    const here = new Visitor(processes[0])
    await here.logIn(approve)
    const there = here.at(processes[1])
    assert.equal(await statusOf(there, '/account'), 200)
    const refreshesBefore = sandbox.counts.refreshes
    assert.equal((await here.request('/expire', { method: 'POST' })).status, 204)
    const statuses = await Promise.all(Array.from({ length: 10 }, (_, index) => statusOf(index % 2 ? here : there, '/account')))
    assert.deepEqual(statuses, Array(10).fill(200))
    assert.equal(sandbox.counts.refreshes - refreshesBefore, 1)
  }

  describe('Redis and several processes', () => {
    const page = recipe('redis.md')
    page.take('Redis and several processes', 'sh')
    const changes = page.take('Redis and several processes', 'js')

    it('logs a person in for both processes, and refreshes once for all of their requests', async function () {
      const redis = await RedisServer.start(this)
      try {
        await refreshOnceInTwoProcesses(compose(quickStart, changes, expire), { REDIS_URL: redis.url })
        const contents = [...(await redis.contents()).values()].join()
        assert.ok(contents.includes('"passport"') && !contents.includes('"accessToken"'), 'the session is there, and its tokens are sealed')
      } finally {
        await redis.remove()
      }
    })
  })

  describe('PostgreSQL', () => {
    const page = recipe('postgresql.md')
    page.take('PostgreSQL', 'sh')
    const changes = page.take('PostgreSQL', 'js')

    it('logs a person in for both processes, and refreshes once for all of their requests', async function () {
      const postgres = await PostgresServer.start(this)
      try {
        await refreshOnceInTwoProcesses(compose(quickStart, changes, expire), { DATABASE_URL: postgres.url })
      } finally {
        await postgres.remove()
      }
    })
  })

  describe('Shutdown and serverless platforms', () => {
    const page = recipe('shutdown-and-serverless.md')
    const changes = page.take('Shutdown and serverless platforms', 'js')
    page.take('Serverless platforms', 'sh')
    const onLambda = page.take('Serverless platforms', 'js')

    it('exits at SIGTERM once the refresh in progress is finished', async () => {
      /** Makes the token of a session stale. */
      const short = `
        app.post('/refresh', (req, res, next) => {
          const key = Object.keys(req.session).find((key) => key.startsWith('twilioTokens'))
          Object.assign(req.session[key], { receivedAt: Date.now() - 3_600_000, expiresAt: Date.now() + 20_000 })
          next()
        }, tokens.fresh(), (req, res) => res.sendStatus(204))`
      const { url, command } = await start(compose(quickStart, changes, short))
      const visitor = new Visitor(url)
      await visitor.logIn(approve)
      assert.equal((await visitor.request('/refresh', { method: 'POST' })).status, 204)
      command.terminate()
      assert.equal(await command.ends(), 0, command.output)
      assert.equal(sandbox.counts.refreshes, 1)
    })

    it('is word for word what the tests of the packed package use on AWS Lambda', () => isUsedByProjects([['serverless/function.js', onLambda]]))
  })

  describe('cookie-session', () => {
    const page = recipe('cookie-session.md')
    page.take('cookie-session', 'sh')
    const changes = page.take('cookie-session', 'js')

    it('logs somebody in and out', async () => {
      const withoutSession = quickStart.replace(/^app\.use\(session\(.*$/m, '')
      assert.notEqual(withoutSession, quickStart)
      const visitor = new Visitor(await run(compose(withoutSession, changes)))
      assert.equal((await visitor.request('/account')).location, '/auth/twilio')
      assert.equal((await visitor.logIn(approve)).location, '/account')
      assert.equal(await statusOf(visitor, '/account'), 200)
      assert.equal((await visitor.request('/logout', { method: 'POST' })).location, '/')
      assert.equal(await statusOf(visitor, '/account'), 302)
    })
  })

  describe('Behind a proxy', () => {
    const page = recipe('proxies.md')
    page.take('Between the app and Twilio', 'sh')
    const inFront = page.take('In front of the app', 'js')
    const between = page.take('Between the app and Twilio', 'js')

    it('uses the public URL and a secure cookie, and calls Twilio through the proxy', async () => {
      await sandbox.stop()
      sandbox = await startSandbox({ apps: [{ redirectURIs: ['https://shop.example/auth/twilio/callback'] }] })
      const proxy = await startProxy()
      try {
        const url = await run(compose(quickStart, inFront, between), { HTTPS_PROXY: proxy.url })
        const visitor = new Visitor(url, { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'shop.example' })
        const begun = await visitor.request('/auth/twilio')
        assert.match(begun.headers.get('set-cookie') ?? '', /; Secure/)
        assert.equal((await visitor.logIn(approve)).location, '/account')
        assert.equal(await statusOf(visitor, '/account'), 200)
        assert.deepEqual(proxy.targets, [new URL(sandbox.url).host])
      } finally {
        proxy.stop()
      }
    })
  })

  for (const [heading, name, files] of [
    ['NestJS', 'nestjs.md', [['nestjs/twilio.ts', 'ts'], ['nestjs/app.ts', 'ts']]],
    ['Fastify', 'fastify.md', [['fastify/bridge.js', 'js']]],
    ['Next.js', 'nextjs.md', [['nextjs/server.mjs', 'js'], ['nextjs/request.mjs', 'js'], ['nextjs/app/account/page.js', 'jsx']]]
  ] as const) {
    describe(heading, () => {
      const page = recipe(name)
      page.take(heading, 'sh')
      const snippets = files.map(([file, language]) => [file, page.take(heading, language)] as const)

      it('is word for word what the tests of the packed package use', () => isUsedByProjects(snippets))
    })
  }

  describe('Bundlers', () => {
    const page = recipe('bundlers.md')
    const commands = ['esbuild', 'esbuild', 'esbuild', 'Rollup', 'webpack'].map((heading, index) => {
      if (index === 0 || heading !== 'esbuild') page.take(heading, 'sh')
      return page.take(heading, 'sh')
    })
    const configurations = [
      ['rollup.config.mjs', page.take('Rollup', 'js')],
      ['webpack.config.mjs', page.take('webpack', 'js')]
    ] as const

    it('shows the commands and configurations that the tests of the packed package use', async () => {
      assert.deepEqual(commands, [BUNDLE.esbuild, BUNDLE.esbuildESM, BUNDLE.esbuildExternal, BUNDLE.rollup, BUNDLE.webpack])
      for (const [file, snippet] of configurations) assert.equal(await readFile(join(PROJECTS, 'bundlers', file), 'utf8'), `${snippet}\n`)
    })
  })

  describe("Bun and Deno, and Yarn Plug'n'Play", () => {
    const [bun, deno] = ['bun', 'deno'].map(() => recipe('bun-and-deno.md').take('Bun and Deno', 'sh'))
    const page = recipe('yarn-pnp.md')
    const [installWithYarn, startWithYarn] = ['install', 'start'].map(() => page.take("Yarn Plug'n'Play and pnpm", 'sh'))

    it('start apps with the commands that the tests of the packed package use', () => {
      assert.deepEqual([bun, deno], [START.bun, START.deno])
      assert.equal(startWithYarn, START_WITH_PNP)
    })

    it("install the quick start's packages", () => {
      assert.equal(installWithYarn, installCommand.replace('npm install', 'yarn add'))
    })
  })

  describe('Calling Twilio with its SDK', () => {
    const page = recipe('sdk.md')
    page.take('Calling Twilio with its SDK', 'sh')
    const changes = page.take('Calling Twilio with its SDK', 'js')

    it('lists the numbers of the account that the person chooses, and refreshes a token that was revoked', async () => {
      const visitor = await choose()
      const numbers = JSON.parse((await visitor.request('/numbers')).text) as { friendlyName: string }[]
      assert.deepEqual(numbers.map(({ friendlyName }) => friendlyName), ['Front desk', 'Support', 'Deliveries'])
      sandbox.expireAccessTokens()
      const refused = await visitor.request('/numbers')
      assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1'])
      assert.equal(await statusOf(visitor, '/numbers'), 200)
      assert.equal(sandbox.counts.refreshes, 1)
    })

    it('names a missing permission and where to grant it, without a refresh or a redirect', async () => {
      const visitor = await choose()
      sandbox.setPermissions([])
      const [first, second, accounts] = [await visitor.request('/numbers'), await visitor.request('/numbers'), await visitor.request('/accounts')]
      assert.deepEqual([first.status, second.status, accounts.status], [502, 502, 502])
      assert.match(first.text, /lacks the permission twilio\/numbers\/incoming-phone-numbers\/list\. Grant it in the Twilio Console/)
      assert.match(accounts.text, /lacks the permission twilio\/iam\/accounts\/list\. Grant it in the Twilio Console/)
      assert.equal(sandbox.counts.refreshes, 0)
      sandbox.setPermissions(PERMISSIONS)
      assert.equal(await statusOf(visitor, '/numbers'), 200)
    })

    /** A visitor who has logged in and chosen the second account. */
    async function choose(): Promise<Visitor> {
      const visitor = new Visitor(await run(compose(quickStart, changes)))
      assert.equal((await visitor.request('/numbers')).location, '/auth/twilio')
      assert.equal((await visitor.logIn(approve)).location, '/numbers')
      assert.equal((await visitor.request('/numbers')).location, '/accounts')
      const accounts = JSON.parse((await visitor.request('/accounts')).text) as { accountSid: string }[]
      assert.equal((await visitor.request(`/accounts/AC${'0'.repeat(32)}`, { method: 'POST' })).status, 404)
      assert.equal((await visitor.request(`/accounts/${accounts[1]?.accountSid ?? ''}`, { method: 'POST' })).location, '/numbers')
      return visitor
    }
  })

  describe('Back-end jobs', () => {
    const page = recipe('jobs.md')
    page.take('Back-end jobs', 'sh')
    const job = page.take('Back-end jobs', 'js')
    const moreSettings = page.take('Back-end jobs', 'ini')
    const startJobCommand = page.take('Back-end jobs', 'sh')

    it("sends a message without a user, on the quick start's sandbox, in the account that it prints", async () => {
      const sandboxPort = String(await freePort())
      await newcomer.write('job.mjs', job)
      const running = newcomer.run(startSandboxCommand.replaceAll(SANDBOX_PORT, sandboxPort))
      await running.prints('Press Ctrl-C to stop.')
      const printed = (setting: string) => new RegExp(`${setting} +(\\S+)`, 'i').exec(running.output)?.[1] ?? 'not printed'
      const filledIn = `${settings}\n${moreSettings}`.replaceAll(SANDBOX_PORT, sandboxPort).replace(/=the (job client \w+)/g, (_text, setting: string) => `=${printed(setting)}`)
      await newcomer.write('.env', filledIn)
      assert.ok(running.output.includes(/TWILIO_ACCOUNT_SID=(\w+)/.exec(moreSettings)?.[1] ?? 'no SID'))
      const command = newcomer.run(startJobCommand)
      assert.equal(await command.ends(), 0, command.output)
      assert.equal(command.output, 'queued\n')
    })
  })

  describe('API clients', () => {
    const script = recipe('api-clients.md').take('API clients', 'js')

    it('sends the browser to the login after a 401, and reads the response once logged in', async function () {
      const browser = await launchBrowser(this)
      try {
        const url = await run(quickStart)
        const page = await browser.newPage()
        await page.goto(url)
        await page.addScriptTag({ content: script })
        await page.evaluate("void api('/account')")
        await page.waitForURL(`${sandbox.url}/authorize**`)
        await page.getByRole('button', { name: /approve|allow/i }).click()
        await page.waitForURL(`${url}/account`)
        await page.goto(url)
        await page.addScriptTag({ content: script })
        const { user } = await page.evaluate<{ user: { id: string } }>("api('/account')")
        assert.match(user.id, /^OR/)
      } finally {
        await browser.close()
      }
    })
  })

  describe('WebSockets', () => {
    const page = recipe('websockets.md')
    const shared = page.take('WebSockets', 'js')
    page.take('With ws', 'sh')
    page.take('With socket.io', 'sh')
    const withWS = page.take('With ws', 'js')
    const withSocketIO = page.take('With socket.io', 'js')
    /** In place of the package: sends text as it is, and takes every chunk for a message. */
    const stub = `
      import { EventEmitter } from 'node:events'
      export class WebSocketServer {
        handleUpgrade(req, socket, head, done) {
          socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n')
          const connection = Object.assign(new EventEmitter(), { send: (text) => socket.write(text), close: () => socket.end() })
          socket.on('data', (data) => connection.emit('message', data))
          done(connection)
        }
      }`

    it('accepts connections only of people who are logged in, gives them valid tokens, and closes them after a logout', async () => {
      await newcomer.write('ws.mjs', stub)
      const url = await run(compose(quickStart.replace(/^app\.use\(session\(.*$/m, ''), `${shared}\n${withWS}`).replace("'ws'", "'./ws.mjs'"))
      const visitor = new Visitor(url)
      assert.equal((await connectTo(url, visitor.cookie)).status, 401)
      await visitor.logIn(approve)
      assert.equal((await connectTo(url, visitor.cookie, 'https://other.example')).status, 403, 'a page of another site')
      const { status, socket } = await connectTo(url, visitor.cookie, new URL(url).origin)
      assert.equal(status, 101)
      assert.ok(socket)
      socket.write('hello')
      const [answer] = (await once(socket, 'data')) as [Buffer]
      assert.ok((JSON.parse(answer.toString()) as { tokenExpiresAt: number }).tokenExpiresAt > Date.now())
      await visitor.request('/logout', { method: 'POST' })
      socket.write('hello')
      await once(socket.resume(), 'end')
      socket.destroy()
    })

    it('is word for word what the tests of the packed package use, with ws and socket.io themselves', () =>
      isUsedByProjects([
        ['websockets/ws.js', withWS],
        ['websockets/socket.io.js', withSocketIO]
      ]))
  })

  describe('Testing your app', () => {
    const page = recipe('testing.md')
    const exported = page.take('Testing your app', 'js')
    page.take('Testing your app', 'sh')
    const test = page.take('Testing your app', 'js')
    const command = page.take('Testing your app', 'sh')
    const jestCommand = page.take('Checking ID tokens under Jest', 'sh')

    it('shows the Jest command that verifies ID tokens in the test of the packed package', () => {
      assert.equal(jestCommand, JEST_WITH_IMPORT)
    })

    for (const [name, functions] of [['vitest', 'Vitest'], ['mocha', 'Mocha']] as const) {
      page.take('Other test runners', 'sh')
      const imported = page.take('Other test runners', 'js')
      const runCommand = page.take('Other test runners', 'sh')

      it(`shows the command and the import for ${functions} that the tests of the packed package use`, async () => {
        assert.equal(runCommand, RUN_TESTS[name])
        const [triedApp, triedTest] = await Promise.all(['runners/app.mjs', `${name}/app.test.mjs`].map((file) => readFile(join(PROJECTS, file), 'utf8')))
        assert.equal(triedApp, `${quickStart.replace(/^app\.listen[^]*/m, exported)}\n`)
        assert.equal(triedTest, `${test.replace("import { after, test } from 'node:test'", imported)}\n`)
      })
    }

    it("passes with Node's test runner, and fails if the app lets nobody in", async () => {
      const app = compose(quickStart, exported)
      await newcomer.write('app.mjs', app)
      await newcomer.write('app.test.mjs', test)
      const passing = newcomer.run(command)
      assert.equal(await passing.ends(), 0, passing.output)
      assert.match(passing.output, /pass 3\n/)
      await newcomer.write('app.mjs', app.replace('profile && {', 'false && {'))
      assert.equal(await newcomer.run(command).ends(), 1)
    })
  })

  describe('The sandbox on its own', () => {
    const page = recipe('sandbox.md')
    const command = page.take('The sandbox on its own', 'sh')

    it('starts, and accepts only the redirect URI that it was given', async () => {
      const port = String(await freePort())
      const running = newcomer.run(command.replace(SANDBOX_PORT, port))
      await running.prints('Press Ctrl-C to stop.')
      const [, clientID = ''] = /Client ID +(\S+)/.exec(running.output) ?? []
      const authorizeURL = `http://127.0.0.1:${port}/v1/authorize?ResponseType=code&ClientId=${clientID}&RedirectUri=`
      const asked = async (callback: string) => (await fetch(authorizeURL + encodeURIComponent(callback), { redirect: 'manual' })).status
      assert.deepEqual(await Promise.all([asked(`${APP}/auth/twilio/callback`), asked(`${APP}/other`)]), [302, 400])
    })
  })

  describe('Linking Twilio to an existing account', () => {
    const page = recipe('linking-accounts.md')
    const changes = page.take('Linking Twilio to an existing account', 'js')
    /** An app with a login of its own. */
    const own = `
      app.get('/login', (req, res, next) => req.login({ id: 'p1' }, (error) => (error ? next(error) : res.redirect('/'))))
      app.get('/me', (req, res) => res.json({ user: req.user, saved }))
      const saved = []
      const saveTwilioID = async (...ids) => saved.push(ids)`

    it("saves the Twilio account for the current user, who stays logged in, and keeps the tokens", async () => {
      const url = await run(compose(quickStart, own, changes))
      const visitor = new Visitor(url)
      assert.equal((await visitor.request('/connect/twilio')).location, '/login')
      await visitor.request('/login')
      assert.equal((await visitor.logIn(approve, '/connect/twilio')).location, '/')
      assert.deepEqual(JSON.parse((await visitor.request('/me')).text), { user: { id: 'p1' }, saved: [['p1', sandbox.organizationSid]] })
      const account = JSON.parse((await visitor.request('/account')).text) as { tokenExpiresAt?: number }
      assert.ok(account.tokenExpiresAt, 'the tokens are in the session')
    })
  })

  describe('Public clients', () => {
    const page = recipe('public-clients.md')
    const changes = page.take('Public clients', 'js')

    it('logs a person in without a client secret', async () => {
      await sandbox.stop()
      sandbox = await startSandbox({ apps: [{ isPublic: true }] })
      const visitor = new Visitor(await run(compose(quickStart, changes).replace(', TWILIO_CLIENT_SECRET }', ' }')))
      assert.equal((await visitor.logIn(approve)).location, '/account')
      assert.equal(await statusOf(visitor, '/account'), 200)
    })
  })

  describe('Errors', () => {
    const handler = readme.take('Errors', 'js')

    it('says what to do, redirects people whom another tab has logged in, and shows details to the operator only', async () => {
      const { url, command } = await start(compose(quickStart, handler))
      const stranger = await new Visitor(url).request('/auth/twilio/callback?code=c&state=s')
      assert.deepEqual([stranger.status, stranger.headers.get('content-type')], [403, 'text/plain; charset=utf-8'])
      assert.match(stranger.text, /start it again\.$/)
      await command.prints("likelyCause: 'no_cookie'")
      const visitor = new Visitor(url)
      sandbox.failNext('token', 'server error')
      const failed = await visitor.tryToLogIn(approve)
      assert.deepEqual([failed.status, failed.text], [500, 'Something went wrong. Please try again in a moment.'])
      await visitor.logIn(approve)
      assert.equal((await visitor.request('/auth/twilio/callback?code=c&state=s')).location, '/account')
    })
  })

  it('has the commands of the repository', () => {
    assert.match(readme.take('Development', 'sh'), /^npm ci && npm start .*\nnpm ci && npm test /)
  })

  it('installs, above each snippet, what the snippet imports', () => {
    // Whoever reads that recipe has a NestJS app.
    const quickStartInstalls = [...readme.blocks.flatMap(installedBy), '@nestjs/common']
    for (const [name, page] of [['README.md', readme], ...recipes] as const) {
      const installed = new Set(quickStartInstalls)
      for (const block of page.blocks) {
        for (const module of installedBy(block)) installed.add(module)
        if (block.language !== 'js' && block.language !== 'ts') continue
        const missing = importedBy(block.code).filter((module) => !module.startsWith('.') && !isBuiltin(module) && !installed.has(module.replace(/^passport-twilio\/.*/, 'passport-twilio')))
        assert.deepEqual(missing, [], name)
      }
    }
  })

  it('documents every option, and every method of SessionTokens', () => {
    const surface = new Surface()
    const told = (heading: string) => new Set(readme.wordsUnder(heading))
    const missing = (heading: string, names: readonly string[]) => names.filter((name) => !told(heading).has(name))
    assert.deepEqual(missing('Options of `TwilioStrategy`', surface.namesIn('TwilioStrategyOptions')), [])
    assert.deepEqual(missing('After the login', [...surface.namesIn('SessionTokensOptions'), ...surface.namesIn('SessionTokens'), ...surface.namesIn('RequireLoginOptions')]), [])
  })

  it('has the totals of the last run of faults', async () => {
    const { totals } = JSON.parse(await readFile(join(process.cwd(), 'test/faults/results.json'), 'utf8')) as { totals: Record<string, { held: number; applicable: number }> }
    const told = (await readFile(join(process.cwd(), 'README.md'), 'utf8')).replaceAll(' the ', ' ')
    for (const [library, { held, applicable }] of Object.entries(totals)) assert.match(told, new RegExp(`${library} (?:handles )?${held} of ${applicable}\\b`))
  })

  it('refers to every recipe', async () => {
    const text = await readFile(join(process.cwd(), 'README.md'), 'utf8')
    assert.deepEqual([...recipes.keys()].filter((name) => !text.includes(`(docs/${name})`)), [])
  })

  it('has no block without a test, and neither has any recipe', () => {
    assert.deepEqual([readme, ...recipes.values()].flatMap(({ untaken }) => untaken), [])
  })

  it('has fewer than 250 lines', async () => {
    const text = await readFile(join(process.cwd(), 'README.md'), 'utf8')
    assert.ok(text.split('\n').length < 250)
  })
})

/** The packages that a command installs. */
function installedBy({ code }: Block): string[] {
  return code.startsWith('npm install ') ? code.split(' ').slice(2) : []
}

/** Asserts that each file of the projects has every paragraph of its snippet. */
async function isUsedByProjects(snippets: readonly (readonly [file: string, snippet: string])[]): Promise<void> {
  for (const [file, snippet] of snippets) {
    const project = await readFile(join(PROJECTS, file), 'utf8')
    assert.deepEqual(snippet.split('\n\n').filter((paragraph) => !project.includes(paragraph)), [], file)
  }
}

/** Asks an app to upgrade the connection to a WebSocket. */
async function connectTo(url: string, cookie: string, origin?: string): Promise<{ status: number | undefined; socket?: Duplex }> {
  const upgrading = request(url, { headers: { cookie, connection: 'Upgrade', upgrade: 'websocket', ...(origin === undefined ? {} : { origin }) } }).end()
  return new Promise((resolve, reject) => {
    upgrading.on('error', reject)
    upgrading.on('response', ({ statusCode }) => resolve({ status: statusCode }))
    upgrading.on('upgrade', ({ statusCode }, socket) => resolve({ status: statusCode, socket }))
  })
}

/** A proxy that connections go through (RFC 9110 §9.3.6). */
async function startProxy(): Promise<{ url: string; targets: string[]; stop: () => void }> {
  const targets: string[] = []
  const server: Server = createServer()
  server.on('connect', ({ url = '' }, socket) => {
    targets.push(url)
    const { hostname, port } = new URL(`http://${url}`)
    const target = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    for (const end of [socket, target]) end.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, targets, stop: () => server.close() }
}
