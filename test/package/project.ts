import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const root = process.cwd()
const projects = join(root, 'test/package/projects')

/** The versions of Node that the package promises to run on. */
export const NODE_VERSIONS = ['20.19', '22', '24']

/** The package as it would be published. */
export async function pack(): Promise<{ tarball: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'passport-twilio-pack-'))
  await execute('npm', ['run', '--silent', 'build'], { cwd: root })
  await execute('npm', ['pack', '--pack-destination', folder], { cwd: root })
  const [file = ''] = await readdir(folder)
  return { tarball: join(folder, file), remove: () => rm(folder, { recursive: true }) }
}

/** Somebody's project, in a folder of its own, with the packed package installed. */
export class Project {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async install(name: string, tarball: string): Promise<Project> {
    const folder = await mkdtemp(join(tmpdir(), `passport-twilio-${name}-`))
    await cp(join(projects, name), folder, { recursive: true })
    await cp(join(projects, 'shared'), folder, { recursive: true })
    await execute('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', tarball], { cwd: folder })
    return new Project(folder)
  }

  /** Runs `node` of a version; rejects with what it printed when it fails. */
  async node(version: string, ...parameters: string[]): Promise<string> {
    return this.run('npx', '--yes', '--package', `node@${version}`, 'node', ...parameters)
  }

  async run(command: string, ...parameters: string[]): Promise<string> {
    const { stdout } = await execute(command, parameters, { cwd: this.folder, timeout: 120_000 })
    return stdout
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true })
  }
}
