import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { skipWithout } from '../support/requirements'
import { pack, Project, type PackedPackage } from './project'

const execute = promisify(execFile)

/** What others import, and what that needs. */
const ENTRIES = ['index.d.cts', 'index.d.mts', 'index.d.ts', 'index.js', 'index.js.map', 'index.mjs', 'sdk.d.ts', 'sdk.js', 'sdk.js.map']
const SHARED = ['bundled-jose.js', 'shared.d.ts', 'unread.js']
const SANDBOX = ['cli.js', 'cli.js.map', 'index.d.ts', 'index.js', 'index.js.map']

/** Runs a program of the project's own packages; rejects with what it printed when it is not content. */
async function run(program: string, ...parameters: string[]): Promise<void> {
  try {
    await execute('npx', ['--no-install', program, ...parameters])
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(stdout + stderr, { cause: error })
  }
}

describe('the packed package', () => {
  let tarball: string
  let files: PackedPackage['files']
  before(async () => {
    const packed = await pack()
    tarball = packed.tarball
    files = packed.files
  })

  it('holds what a user needs, and nothing else', () => {
    const dist = [...ENTRIES, ...SHARED, ...SANDBOX.map((file) => `sandbox/${file}`)].map((file) => `dist/${file}`)
    assert.deepEqual(files.map(({ path }) => path).sort(), ['LICENSE', 'README.md', 'package.json', ...dist].sort())
  })

  it('takes less than 150 kB, without the sandbox', () => {
    const size = files.filter(({ path }) => !path.startsWith('dist/sandbox/')).reduce((sum, file) => sum + file.size, 0)
    assert.ok(size < 150_000, `${size} bytes: ${files.map((file) => `${file.path} ${file.size}`).join(', ')}`)
  })

  it('is laid out as every tool that publint knows of understands', () => run('publint', tarball, '--strict'))

  it('has its types found by every resolution that TypeScript has', () => run('attw', tarball))

  it('names the line of the source in a stack trace, and each error by its name, and does not bury it under its code', async () => {
    const project = await Project.install(['stack'], tarball)
    try {
      await project.run('node --enable-source-maps stack.cjs', { node: process.execPath })
    } finally {
      await project.remove()
    }
  })

  it('has no known holes in what it depends on', async function () {
    const { stdout, stderr } = await execute('npm', ['audit', '--omit=dev', '--workspaces=false']).catch((error: unknown) => error as { stdout: string; stderr: string })
    if (stderr.includes('audit endpoint returned an error')) skipWithout(this, 'audit', 'the registry in use does not audit.')
    assert.match(stdout, /found 0 vulnerabilities/, stdout)
  })
})
