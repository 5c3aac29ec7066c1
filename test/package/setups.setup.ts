import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import { RedisServer } from '../support/redis'
import { findNode, pack, Project } from './project'
import { SETUPS, type Setup } from './setups'

// SETUPS=fastify runs only the set-ups with "fastify" in a folder's name.
const setups = SETUPS.filter(({ folders }) => folders.some((folder) => folder.includes(process.env.SETUPS ?? '')))

describe('the packed package works with', () => {
  const limit = pLimit(availableParallelism() + 1)
  const projects = new Map<string, Promise<Project>>()
  let tarball: string

  const projectOf = ({ folders }: Setup): Promise<Project> => {
    const known = projects.get(folders.join())
    if (known) return known
    const installed = limit(() => Project.install(folders, tarball))
    projects.set(folders.join(), installed)
    return installed
  }
  const run = async (setup: Setup, version?: string, environment?: NodeJS.ProcessEnv) => {
    const project = await projectOf(setup)
    return limit(async () => project.run(setup.command, { node: await findNode(version), ...environment }))
  }

  before(async () => {
    tarball = (await pack()).tarball
  })
  after(async () => {
    for (const project of await Promise.allSettled(projects.values())) if (project.status === 'fulfilled') await project.value.remove()
  })

  for (const setup of setups) {
    if (setup.needsRedis) tryWithRedis(setup)
    else for (const version of setup.nodes ?? [undefined]) tryIt(setup, version)
  }

  /** All set-ups start at once, and run in parallel as far as `limit` allows; each test waits for its own. */
  function tryIt(setup: Setup, version: string | undefined): void {
    let done: Promise<unknown>
    before(() => {
      done = run(setup, version)
      done.catch(() => undefined)
    })
    it(version === undefined ? setup.name : `${setup.name}, on Node ${version}`, () => done)
  }

  function tryWithRedis(setup: Setup): void {
    it(setup.name, async function () {
      const redis = await RedisServer.start(this)
      try {
        await run(setup, undefined, { REDIS_URL: redis.url })
      } finally {
        await redis.remove()
      }
    })
  }
})
