import { exec, execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

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

/** An app's project in a temporary folder, with the packed package installed. */
export class Project {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Copies folders of projects/ into the project; a later one replaces files of an earlier one. */
  static async install(folders: readonly string[], tarball: string): Promise<Project> {
    const folder = await mkdtemp(join(tmpdir(), `passport-twilio-${folders.join('-')}-`))
    for (const name of ['shared', ...folders]) await cp(join(projects, name), folder, { recursive: true })
    await execute('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', tarball], { cwd: folder })
    return new Project(folder)
  }

  /** Runs a shell command; rejects with its output if it fails. */
  async run(line: string, { node, ...environment }: RunOptions): Promise<void> {
    const path = [dirname(node), join(this.folder, 'node_modules/.bin'), process.env.PATH].join(delimiter)
    try {
      await executeLine(line, { cwd: this.folder, timeout: 240_000, env: { ...process.env, ...environment, PATH: path } })
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      throw new Error(`${line} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error })
    }
  }

  /** The installed packages that the project depends on, each with its version. */
  async packages(): Promise<ReadonlyMap<string, InstalledPackage>> {
    const { dependencies = {} } = await readManifest(this.folder)
    const names = Object.keys(dependencies).filter((name) => name !== 'passport-twilio')
    return new Map(await Promise.all(names.map(async (name) => [name, await readManifest(join(this.folder, 'node_modules', name))] as const)))
  }

  async remove(): Promise<void> {
    // A command that was stopped may have left processes that are still writing.
    await rm(this.folder, { recursive: true, maxRetries: 10 })
  }
}
