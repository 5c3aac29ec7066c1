import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { startSandbox, type SandboxPerson } from '../../lib/sandbox'
import { RedisServer } from '../support/redis'
import { ExampleApp } from './example-app'
import { Person, type World } from './person'
import { Random } from './random'
import { Saboteur } from './saboteur'

/** Simulates people who use the example app for minutes while faults occur at random, and then checks for failures and leaks. */

const SECONDS = Number(process.env.SOAK_SECONDS ?? 300)
const SEED = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31))
const PEOPLE = 40
/** Short, so that tokens expire all the time. */
const TOKEN_SECONDS = 3
/** ms between two faults. */
const FAULT_INTERVAL = 300
/** How long to run before the heap is first measured. Until then, no token response is lost, so no refresh token may be reused. */
const WARM_UP_SECONDS = Math.min(60, SECONDS / 3)
const MAX_HEAP_GROWTH = 0.1
/** ms. Longer than either side keeps idle connections open. */
const MAX_IDLE = 70_000
const SECRETS = /(?:refresh|code)-[\w-]{43}|eyJ[\w-]{20,}\.eyJ/

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function createPeople(): SandboxPerson[] {
  return Array.from({ length: PEOPLE }, (_, index) => {
    const number = index.toString(16).padStart(32, '0')
    return { name: `Person ${index}`, givenName: 'Person', familyName: String(index), email: `person-${index}@soak.example`, userSid: `US${number}`, accountSid: `AC${number}`, accountName: `Account ${index}` }
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Lets people act for a while. Actions that have started are finished. */
async function letPeopleAct(people: readonly Person[], seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000
  await Promise.all(
    people.map(async (person) => {
      while (Date.now() < end) await person.act()
    })
  )
}

/** Resources that the process did not have before, after idle connections had time to close. */
async function leakedResources(app: ExampleApp, before: readonly string[]): Promise<string[]> {
  const end = Date.now() + MAX_IDLE
  for (;;) {
    const left = [...before]
    const { resources } = await app.report()
    const more = resources.filter((resource) => {
      const index = left.indexOf(resource)
      if (index >= 0) left.splice(index, 1)
      return index < 0
    })
    if (more.length === 0 || Date.now() > end) return more
    await pause(500)
  }
}

async function soak(redis: RedisServer): Promise<string[]> {
  const people = createPeople()
  const sandbox = await startSandbox({ accountLogins: true, people, accessTokenTTL: TOKEN_SECONDS })
  const app = await ExampleApp.start(sandbox, redis.url, await freePort())
  try {
    const world: World = { appURL: app.url, sandboxURL: sandbox.url, outcomes: {}, failures: [], stolenCallbacks: [], unexpectedLogins: 0 }
    const persons = people.map((account, index) => new Person(account, world, new Random(SEED + index)))
    const saboteur = new Saboteur(sandbox, new Random(SEED - 1))
    const atStart = await app.report()
    const started = Date.now()

    let isOver = false
    const sabotage = saboteur.work(() => isOver, FAULT_INTERVAL)
    await letPeopleAct(persons, WARM_UP_SECONDS)
    const warm = await app.report()
    const reusesWithoutLoss = sandbox.counts.reuses
    const unexpectedLoginsWithoutLoss = world.unexpectedLogins
    const refusedWithoutLoss = saboteur.refusedRefreshes
    saboteur.mayLoseResponses = true
    await letPeopleAct(persons, SECONDS - WARM_UP_SECONDS)
    isOver = true
    await sabotage
    const requests = Object.values(world.outcomes).reduce((sum, times) => sum + times, 0)
    const took = (Date.now() - started) / 1000
    const settled = await Promise.all(persons.map((person) => person.settle()))
    const unsettled = settled.filter((outcome) => outcome !== 'page' && outcome !== 'asked to log in')
    const more = await leakedResources(app, atStart.resources)
    const done = await app.report()

    const growth = done.heap / warm.heap - 1
    const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
    print(`\n${requests} requests by ${PEOPLE} people in ${took.toFixed(0)} s (${(requests / took).toFixed(0)} per second):`)
    for (const [outcome, times] of Object.entries(world.outcomes).sort(([, one], [, other]) => other - one)) print(`  ${String(times).padStart(7)}  ${outcome}`)
    print(`Logins: ${sandbox.counts.codes}. Refreshes: ${sandbox.counts.refreshes}. Reuses: ${reusesWithoutLoss} while no response was lost, ${sandbox.counts.reuses} in total. Asked to log in again without having logged out: ${unexpectedLoginsWithoutLoss} while no response was lost, ${world.unexpectedLogins} in total. Token responses lost, at most: ${saboteur.lostResponses}; refreshes refused by a fault: ${saboteur.refusedRefreshes}.`)
    print(`Faults: ${Object.entries(saboteur.counts).map(([fault, times]) => `${times} ${fault}`).sort().join(', ')}.`)
    print(`Heap: ${mebibytes(atStart.heap)} MiB at the start, ${mebibytes(warm.heap)} after ${WARM_UP_SECONDS.toFixed(0)} s, ${mebibytes(done.heap)} at the end (${growth >= 0 ? '+' : ''}${(growth * 100).toFixed(1)} %).`)
    print(`Leaked resources: ${more.length === 0 ? 'nothing' : more.join(', ')}.`)
    print(`At the end: ${settled.filter((outcome) => outcome === 'page').length} people logged in, ${settled.filter((outcome) => outcome === 'asked to log in').length} asked to log in.`)

    return [
      ...app.problems,
      ...countRepeated(world.failures),
      ...(unsettled.length > 0 ? [`${unsettled.length} people were neither logged in at the end nor asked to log in: ${unsettled.join(', ')}.`] : []),
      ...(growth > MAX_HEAP_GROWTH ? [`The heap grew by ${(growth * 100).toFixed(1)} %.`] : []),
      ...(more.length > 0 ? [`${more.length} handles or sockets leaked: ${more.join(', ')}.`] : []),
      ...(reusesWithoutLoss > 0 ? [`${reusesWithoutLoss} refresh tokens were reused while no response was lost.`] : []),
      ...(unexpectedLoginsWithoutLoss > refusedWithoutLoss ? [`${unexpectedLoginsWithoutLoss} times somebody was asked to log in again while no response was lost, but only ${refusedWithoutLoss} refreshes were refused by a fault.`] : []),
      ...(sandbox.counts.reuses > saboteur.lostResponses ? [`${sandbox.counts.reuses} refresh tokens were reused, but only ${saboteur.lostResponses} responses were lost.`] : []),
      ...(world.unexpectedLogins > saboteur.lostResponses + saboteur.refusedRefreshes ? [`${world.unexpectedLogins} times somebody was asked to log in again, but only ${saboteur.lostResponses} responses were lost, and ${saboteur.refusedRefreshes} refreshes were refused by a fault.`] : []),
      ...(SECRETS.test(app.log) ? ['The log contains a code or a token.'] : [])
    ]
  } finally {
    await app.stop()
    await sandbox.stop()
  }
}

/** Reports repeated failures once, with their number. */
function countRepeated(faults: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const fault of faults) counts.set(fault, (counts.get(fault) ?? 0) + 1)
  return [...counts].map(([fault, times]) => (times > 1 ? `${fault} (${times} times)` : fault))
}

async function main(): Promise<void> {
  const redis = await RedisServer.startIfThere()
  if (!redis) throw new Error('The soak test needs redis-server, which is not installed (Debian: apt-get install redis-server).')
  print(`Running the example app with Redis and a sandbox for ${SECONDS} s. SOAK_SEED=${SEED}`)
  try {
    const failures = await soak(redis)
    if (failures.length === 0) {
      print('No failures.')
      return
    }
    print(`\nFailures (SOAK_SEED=${SEED}):`)
    for (const failure of failures) print(`- ${failure}`)
    process.exitCode = 1
  } finally {
    await redis.remove()
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
})
