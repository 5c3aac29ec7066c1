import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import { PostgresServer } from '../support/postgres'
import { RedisServer } from '../support/redis'
import { recordResults, type Result } from './compatibility'
import { findNode, pack, Project, versionOf } from './project'
import { SETUPS, type Setup } from './setups'

// SETUPS=fastify runs only the set-ups with "fastify" in a folder's name. SETUPS_TABLE=1 writes the results to docs/compatibility.md.
const setups = SETUPS.filter(({ folders }) => folders.some((folder) => folder.includes(process.env.SETUPS ?? '')))

interface ServerKind {
  /** The environment variable with the server's URL. */
  readonly variable: string
  readonly start: (context: Mocha.Context) => Promise<{ readonly url: string; remove(): Promise<void> }>
}

const SERVERS: Readonly<Record<NonNullable<Setup['needs']>, ServerKind>> = {
  redis: { variable: 'REDIS_URL', start: (context) => RedisServer.start(context) },
  postgres: { variable: 'DATABASE_URL', start: (context) => PostgresServer.start(context) }
}

describe('the packed package works with', () => {
  const limit = pLimit(availableParallelism() + 1)
  const projects = new Map<string, Promise<Project>>()
  const passes = new Map<Setup, number>()
  let tarball: string

  const projectOf = ({ folders, packageManager }: Setup): Promise<Project> => {
    const key = [...folders, packageManager].join()
    const known = projects.get(key)
    if (known) return known
    const installed = limit(() => Project.install(folders, tarball, packageManager))
    projects.set(key, installed)
    return installed
  }
  const run = async (setup: Setup, version?: string, environment?: NodeJS.ProcessEnv) => {
    const project = await projectOf(setup)
    await limit(async () => project.run(setup.command, { node: await findNode(version), ...environment }))
    passes.set(setup, (passes.get(setup) ?? 0) + 1)
  }
  const resultOf = async (setup: Setup): Promise<Result> => {
    const packages = await (await projectOf(setup)).packages()
    const shown = setup.shows ?? [...packages.keys()].filter((name) => !name.startsWith('@types/'))
    return {
      date: new Date().toISOString().slice(0, 10),
      nodes: setup.runsWithoutNode ? [] : await Promise.all(versionsFor(setup).map(async (version) => versionOf(await findNode(version)))),
      packages: shown.flatMap((name) => packages.get(name) ?? []).map(({ name, version }) => `${name} ${version}`)
    }
  }

  before(async () => {
    tarball = (await pack()).tarball
  })
  after(async () => {
    if (!process.env.SETUPS_TABLE) return
    const passed = setups.filter((setup) => passes.get(setup) === versionsFor(setup).length)
    recordResults(Object.fromEntries(await Promise.all(passed.map(async (setup) => [setup.name, await resultOf(setup)] as const))))
  })
  after(async () => {
    for (const project of await Promise.allSettled(projects.values())) if (project.status === 'fulfilled') await project.value.remove()
  })

  for (const setup of setups) {
    for (const version of versionsFor(setup)) {
      if (setup.needs) tryWithServer(setup, version, SERVERS[setup.needs])
      else tryIt(setup, version)
    }
  }

  /** All set-ups start at once, and run in parallel as far as `limit` allows; each test waits for its own. */
  function tryIt(setup: Setup, version: string | undefined): void {
    let done: Promise<unknown>
    before(() => {
      done = run(setup, version)
      done.catch(() => undefined)
    })
    it(titleOf(setup, version), () => done)
  }

  /** Servers start one after another, since only a test can be skipped without its server. The project is installed before. */
  function tryWithServer(setup: Setup, version: string | undefined, { variable, start }: ServerKind): void {
    before(() => {
      projectOf(setup).catch(() => undefined)
    })
    it(titleOf(setup, version), async function () {
      const server = await start(this)
      try {
        await run(setup, version, { [variable]: server.url })
      } finally {
        await server.remove()
      }
    })
  }
})

/** `undefined` stands for the version that runs the tests. */
function versionsFor({ nodes }: Setup): readonly (string | undefined)[] {
  return nodes ?? [undefined]
}

function titleOf({ name }: Setup, version: string | undefined): string {
  return version === undefined ? name : `${name}, on Node ${version}`
}
