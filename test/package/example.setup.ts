import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PostgresServer } from '../support/postgres'
import { findNode, pack } from './project'

const execute = promisify(execFile)

describe('a copy of the example app outside the repository, with the packed package', () => {
  let folder: string
  before(async () => {
    const { tarball } = await pack()
    folder = await mkdtemp(join(tmpdir(), 'passport-twilio-example-copy-'))
    await cp(join(process.cwd(), 'example-app'), folder, { recursive: true, filter: (path) => !['node_modules', 'dist', '.env'].includes(basename(path)) })
    await execute('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], { cwd: folder })
  })
  after(() => rm(folder, { recursive: true, force: true }))

  async function npm(command: string, version?: string, environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const path = [dirname(await findNode(version)), process.env.PATH].join(delimiter)
    await execute('npm', ['run', command], { cwd: folder, env: { ...process.env, ...environment, PATH: path } }).catch((error: unknown) => {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      throw new Error(`npm run ${command} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
    })
  }

  it('passes its type check', () => npm('typecheck'))

  for (const version of ['20.19', '26']) it(`passes its own tests on Node ${version}`, () => npm('test', version))

  it('passes its own tests under another name, with a hyphen, and with its users in PostgreSQL', async function () {
    const postgres = await PostgresServer.start(this)
    const brand = join(folder, 'src/brand.ts')
    const code = await readFile(brand, 'utf8')
    await writeFile(brand, code.replace('Switchboard', 'Corner Shop').replace('switchboard', 'corner-shop'))
    try {
      await npm('test', undefined, { DATABASE_URL: postgres.url })
    } finally {
      await postgres.remove()
    }
  })

  it('can be built, and started in production without its development dependencies', async () => {
    await npm('build')
    await execute('npm', ['prune', '--omit=dev', '--no-audit', '--no-fund'], { cwd: folder })
    const app = spawn(process.execPath, ['dist/server.js'], {
      cwd: folder,
      env: { PATH: process.env.PATH, NODE_ENV: 'production', PORT: '0', SESSION_SECRET: 'a session secret of the tests, long enough' },
      stdio: ['ignore', 'pipe', 'ignore']
    })
    let output = ''
    let url: string | undefined
    while (url === undefined) {
      const [chunk] = (await once(app.stdout, 'data', { signal: AbortSignal.timeout(30_000) })) as [Buffer]
      output += chunk.toString()
      url = /Open (http:\S+)/.exec(output)?.[1]
    }
    for (const path of ['/health', '/', '/how-it-works', '/style.css']) assert.equal((await fetch(url + path)).status, 200, path)
    const exited = once(app, 'exit')
    app.kill()
    assert.deepEqual(await exited, [0, null])
  })
})
