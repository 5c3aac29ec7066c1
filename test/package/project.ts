import { exec, execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Setup } from './setups'

const execute = promisify(execFile)
const executeLine = promisify(exec)
const root = process.cwd()
const projects = join(root, 'test/package/projects')

export interface PackedPackage {
  readonly tarball: string
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

let packed: Promise<PackedPackage> | undefined

/** Packs the package as `npm publish` would, once; the tarball is deleted when this process exits. */
export function pack(): Promise<PackedPackage> {
  return (packed ??= runPack())
}

async function runPack(): Promise<PackedPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'passport-twilio-pack-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const { stdout } = await execute('npm', ['pack', '--json', '--foreground-scripts=false', '--pack-destination', folder], { cwd: root })
  const [report] = Object.values(JSON.parse(stdout) as Record<string, { filename: string; files: PackedPackage['files'] }>)
  if (!report) throw new Error(`npm pack printed no report: ${stdout}`)
  return { tarball: join(folder, report.filename), files: report.files }
}

const nodes = new Map<string, Promise<string>>()

/** The path of `node` in the given version. Default: the version that runs the tests. */
export function findNode(version?: string): Promise<string> {
  if (version === undefined) return Promise.resolve(process.execPath)
  const known = nodes.get(version)
  if (known) return known
  const found = execute('npx', ['--yes', '--prefer-offline', '--package', `node@${version}`, 'node', '-p', 'process.execPath']).then(({ stdout }) => stdout.trim())
  nodes.set(version, found)
  return found
}

/** The exact version of a `node`, such as `20.19.5`. */
export async function versionOf(node: string): Promise<string> {
  const { stdout } = await execute(node, ['-p', 'process.versions.node'])
  return stdout.trim()
}

export interface RunOptions extends NodeJS.ProcessEnv {
  /** The path of the `node` to run the command with. */
  readonly node: string
}

export interface InstalledPackage {
  readonly name: string
  readonly version: string
}

interface Manifest extends InstalledPackage {
  readonly dependencies?: Readonly<Record<string, string>>
}

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
}

type PackageManager = NonNullable<Setup['packageManager']>

/** The package managers beside npm, themselves installed with npm. */
const PACKAGE_MANAGERS: Readonly<Record<PackageManager, { readonly package: string; readonly install: (tarball: string) => string }>> = {
  pnpm: { package: 'pnpm@12', install: (tarball) => `pnpm add ${tarball}` },
  yarn: { package: '@yarnpkg/cli-dist@4', install: (tarball) => `yarn add passport-twilio@file:${tarball}` }
}

const programs = new Map<PackageManager, Promise<string>>()

/** The path of a package manager's program. */
function findPackageManager(name: PackageManager): Promise<string> {
  const known = programs.get(name)
  if (known) return known
  const found = execute('npx', ['--yes', '--prefer-offline', '--package', PACKAGE_MANAGERS[name].package, '--call', `command -v ${name}`]).then(({ stdout }) => stdout.trim())
  programs.set(name, found)
  return found
}

/** An app's project in a temporary folder, with the packed package installed. */
export class Project {
  readonly folder: string
  readonly #packageManager: PackageManager | undefined

  private constructor(folder: string, packageManager: PackageManager | undefined) {
    this.folder = folder
    this.#packageManager = packageManager
  }

  /** Copies folders of projects/ into the project; a later one replaces files of an earlier one. */
  static async install(folders: readonly string[], tarball: string, packageManager?: PackageManager): Promise<Project> {
    const folder = await mkdtemp(join(tmpdir(), `passport-twilio-${folders.join('-')}-`))
    for (const name of ['shared', ...folders]) await cp(join(projects, name), folder, { recursive: true })
    const project = new Project(folder, packageManager)
    if (packageManager) await project.run(PACKAGE_MANAGERS[packageManager].install(tarball), { node: process.execPath })
    else await execute('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', tarball], { cwd: folder })
    return project
  }

  /** Runs a shell command; rejects with its output if it fails. */
  async run(line: string, { node, ...environment }: RunOptions): Promise<void> {
    const manager = this.#packageManager ? [dirname(await findPackageManager(this.#packageManager))] : []
    const path = [dirname(node), ...manager, join(this.folder, 'node_modules/.bin'), process.env.PATH].join(delimiter)
    try {
      await executeLine(line, { cwd: this.folder, timeout: 240_000, env: { ...process.env, ...environment, PATH: path } })
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      throw new Error(`${line} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
    }
  }

  /** The installed packages that the project depends on, and its package manager if that isn't npm. */
  async packages(): Promise<ReadonlyMap<string, InstalledPackage>> {
    const { dependencies = {} } = await readManifest(this.folder)
    const names = Object.keys(dependencies).filter((name) => name !== 'passport-twilio')
    const installed = this.#packageManager === 'yarn' ? await this.#packagesOfYarn() : await Promise.all(names.map(async (name) => [name, await readManifest(join(this.folder, 'node_modules', name))] as const))
    return new Map([...(await this.#packageManagers()), ...installed.filter(([name]) => names.includes(name))])
  }

  async #packageManagers(): Promise<(readonly [string, InstalledPackage])[]> {
    const name = this.#packageManager
    if (!name) return []
    const { stdout } = await execute(await findPackageManager(name), ['--version'], { cwd: this.folder })
    return [[name, { name, version: stdout.trim() }]]
  }

  /** With Plug'n'Play, there is no node_modules. Yarn prints a line of JSON for each dependency. */
  async #packagesOfYarn(): Promise<(readonly [string, InstalledPackage])[]> {
    const { stdout } = await execute(await findPackageManager('yarn'), ['info', '--json'], { cwd: this.folder })
    return stdout.trim().split('\n').map((line) => {
      const { value, children } = JSON.parse(line) as { value: string; children: { Version: string } }
      const name = value.slice(0, value.indexOf('@', 1))
      return [name, { name, version: children.Version }]
    })
  }

  async remove(): Promise<void> {
    // A command that was stopped may have left processes that are still writing.
    await rm(this.folder, { recursive: true, maxRetries: 10 })
  }
}
