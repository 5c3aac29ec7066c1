import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { skipWithout } from '../support/requirements'
import { pack, Project, type PackedPackage } from './project'
import { SETUPS } from './setups'

const execute = promisify(execFile)

/** Runs one of the project's development tools; rejects with its output if it fails. */
async function run(program: string, ...parameters: string[]): Promise<void> {
  try {
    await execute('npx', ['--no-install', program, ...parameters])
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(stdout + stderr, { cause: error })
  }
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** The versions of a package that the set-ups install. The last folder of a set-up has the package.json that counts. */
function versionsTried(name: string): string[] {
  const manifests = SETUPS.map(({ folders }) => readManifest(join('test/package/projects', folders.at(-1) ?? '')))
  return [...new Set(manifests.flatMap(({ dependencies }) => dependencies?.[name] ?? []))].sort()
}

/** The files that tsc makes of a source file: `lib/index.mts` becomes `dist/index.mjs`, and so on. */
function compiledFrom(source: string): string[] {
  const compiled = source.replace(/^lib/, 'dist').replace(/ts$/, 'js')
  const declarations = source.replace(/^lib/, 'dist').replace(/\.([cm]?ts)$/, '.d.$1')
  return [compiled, `${compiled}.map`, declarations, `${declarations}.map`]
}

describe('the packed package', () => {
  let packed: PackedPackage
  let project: Project
  before(async () => {
    packed = await pack()
    project = await Project.install(['stack'], packed.tarball)
  })
  after(() => project.remove())

  it('contains the sources, what tsc makes of each, the guides, and nothing else', () => {
    const sources = filesIn('lib')
    const reports = ['compatibility.md', 'faults.md', 'figures.md', 'mutation.md']
    const guides = readdirSync('docs').filter((name) => name.endsWith('.md') && !reports.includes(name)).map((name) => `docs/${name}`)
    assert.deepEqual(packed.files.map(({ path }) => path).sort(), ['LICENSE', 'README.md', 'package.json', ...guides, ...sources, ...sources.flatMap(compiledFrom)].sort())
  })

  it('contains the source that each source map and declaration map refers to', () => {
    const maps = filesIn(join(project.folder, 'node_modules/passport-twilio/dist')).filter((file) => file.endsWith('.map'))
    const missing = maps.flatMap((map) => {
      const { sourceRoot = '', sources } = JSON.parse(readFileSync(map, 'utf8')) as { sourceRoot?: string; sources: string[] }
      return sources.map((source) => join(dirname(map), sourceRoot, source)).filter((source) => !existsSync(source))
    })
    assert.ok(maps.length > 0)
    assert.deepEqual(missing, [])
  })

  it('depends on jose visibly: npm ls and npm audit see it', async () => {
    const { stdout } = await execute('npm', ['ls', 'jose', '--omit=dev', '--json'], { cwd: project.folder })
    const tree = JSON.parse(stdout) as { dependencies: Record<string, { dependencies: Record<string, { version: string }> }> }
    assert.match(tree.dependencies['passport-twilio']?.dependencies.jose?.version ?? '', /^6\./)
  })

  it('accepts the versions of its peers that the set-ups try, and no others', () => {
    const { peerDependencies = {} } = readManifest(join(project.folder, 'node_modules/passport-twilio'))
    const peers = Object.entries(peerDependencies)
    assert.deepEqual(peers.map(([name]) => name), ['passport', 'twilio'])
    for (const [name, range] of peers) assert.deepEqual(range.split(' || ').sort(), versionsTried(name), name)
  })

  it('can be used without Passport, as with @fastify/passport', () => {
    assert.equal(existsSync(join(project.folder, 'node_modules/passport')), false)
  })

  it("can't be installed beside Passport 0.5, which doesn't renew the session at login", async () => {
    await assert.rejects(project.run('npm install --dry-run --prefer-offline --loglevel=error passport@0.5.3', { node: process.execPath }), /ERESOLVE/)
  })

  it('follows the packaging rules that publint checks', () => run('publint', packed.tarball, '--strict'))

  it('has types that every module resolution of TypeScript finds (attw)', () => run('attw', packed.tarball))

  it('has stack traces with the source lines, and the name of each error', () => project.run('node --enable-source-maps stack.cjs', { node: process.execPath }))

  it('has no known vulnerabilities in its dependencies', async function () {
    const { stdout, stderr } = await execute('npm', ['audit', '--omit=dev', '--workspaces=false', '--loglevel=error']).catch((error: unknown) => error as { stdout: string; stderr: string })
    if (stderr.includes('audit endpoint returned an error')) skipWithout(this, 'audit', 'the registry in use does not audit.')
    assert.match(stdout, /found 0 vulnerabilities/, stdout)
  })
})
