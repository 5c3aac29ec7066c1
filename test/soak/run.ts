import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { startSandbox, type SandboxPerson } from '../../lib/sandbox'
import { RedisServer } from '../support/redis'
import { ExampleApp } from './example-app'
import { Person, type World } from './person'
import { Random } from './random'
import { Saboteur } from './saboteur'

/** People use the example app for minutes, while everything goes wrong that can; then it is looked at what is left of that. */

const SECONDS = Number(process.env.SOAK_SECONDS ?? 300)
const SEED = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31))
const PEOPLE = 40
/** Tokens go stale all the time. */
const TOKEN_SECONDS = 3
/** ms between two faults. */
const FAULT_PACE = 300
/** When the heap is measured first; until then, Twilio's answers with tokens all arrive, and no refresh token may be used again. */
const WARM_UP_SECONDS = Math.min(60, SECONDS / 3)
const HEAP_GROWTH_MAX = 0.1
/** How long connections may idle before they are closed, in ms: longer than either side keeps them. */
const IDLE_MAX = 70_000
const SECRETS = /(?:refresh|code)-[\w-]{43}|eyJ[\w-]{20,}\.eyJ/

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function inhabitants(): SandboxPerson[] {
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

/** Lets people do one thing after the other, until it is over; those that have begun something end it. */
async function live(people: readonly Person[], seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000
  await Promise.all(
    people.map(async (person) => {
      while (Date.now() < end) await person.act()
    })
  )
}

/** What the process holds more of than before, once its connections have had the time to be closed. */
async function leftOver(app: ExampleApp, before: readonly string[]): Promise<string[]> {
  const end = Date.now() + IDLE_MAX
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
  const people = inhabitants()
  const sandbox = await startSandbox({ people, accessTokenTTL: TOKEN_SECONDS })
  const app = await ExampleApp.start(sandbox, redis.url, await freePort())
  try {
    const world: World = { appURL: app.url, sandboxURL: sandbox.url, outcomes: {}, faults: [], stolen: [], loggedOut: 0 }
    const persons = people.map((account, index) => new Person(account, world, new Random(SEED + index)))
    const saboteur = new Saboteur(sandbox, new Random(SEED - 1))
    const atStart = await app.report()
    const begun = Date.now()

    let isOver = false
    const sabotage = saboteur.work(() => isOver, FAULT_PACE)
    await live(persons, WARM_UP_SECONDS)
    const warm = await app.report()
    const reusesWithoutLoss = sandbox.counts.reuses
    const loggedOutWithoutLoss = world.loggedOut
    const refusedWithoutLoss = saboteur.refused
    saboteur.mayLose = true
    await live(persons, SECONDS - WARM_UP_SECONDS)
    isOver = true
    await sabotage
    const asked = Object.values(world.outcomes).reduce((sum, times) => sum + times, 0)
    const took = (Date.now() - begun) / 1000
    const settled = await Promise.all(persons.map((person) => person.settle()))
    const unsettled = settled.filter((outcome) => outcome !== 'page' && outcome !== 'asked to log in')
    const more = await leftOver(app, atStart.resources)
    const done = await app.report()

    const growth = done.heap / warm.heap - 1
    const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
    print(`\n${asked} requests of ${PEOPLE} people in ${took.toFixed(0)} s (${(asked / took).toFixed(0)} a second):`)
    for (const [outcome, times] of Object.entries(world.outcomes).sort(([, one], [, other]) => other - one)) print(`  ${String(times).padStart(7)}  ${outcome}`)
    print(`Logins: ${sandbox.counts.codes}. Refreshes: ${sandbox.counts.refreshes}. Reuses: ${reusesWithoutLoss} while no answer was lost, ${sandbox.counts.reuses} in all. Asked to log in again, not having logged out: ${loggedOutWithoutLoss} while no answer was lost, ${world.loggedOut} in all. Answers with tokens that were lost on their way, at most: ${saboteur.lost}; refused by a fault: ${saboteur.refused}.`)
    print(`Faults: ${Object.entries(saboteur.struck).map(([fault, times]) => `${times} ${fault}`).sort().join(', ')}.`)
    print(`Heap: ${mebibytes(atStart.heap)} MiB at the start, ${mebibytes(warm.heap)} after ${WARM_UP_SECONDS.toFixed(0)} s, ${mebibytes(done.heap)} at the end (${growth >= 0 ? '+' : ''}${(growth * 100).toFixed(1)} %).`)
    print(`Left over: ${more.length === 0 ? 'nothing' : more.join(', ')}.`)
    print(`At the end: ${settled.filter((outcome) => outcome === 'page').length} people logged in, ${settled.filter((outcome) => outcome === 'asked to log in').length} asked to log in.`)

    return [
      ...app.troubles,
      ...counted(world.faults),
      ...(unsettled.length > 0 ? [`${unsettled.length} people were neither logged in at the end nor asked to log in: ${unsettled.join(', ')}.`] : []),
      ...(growth > HEAP_GROWTH_MAX ? [`The heap has grown by ${(growth * 100).toFixed(1)} %.`] : []),
      ...(more.length > 0 ? [`${more.length} handles or sockets are left over: ${more.join(', ')}.`] : []),
      ...(reusesWithoutLoss > 0 ? [`${reusesWithoutLoss} refresh tokens were used again while no answer was lost.`] : []),
      ...(loggedOutWithoutLoss > refusedWithoutLoss ? [`${loggedOutWithoutLoss} times somebody was asked to log in again while no answer was lost, and only ${refusedWithoutLoss} were refused by a fault.`] : []),
      ...(sandbox.counts.reuses > saboteur.lost ? [`${sandbox.counts.reuses} refresh tokens were used again, and only ${saboteur.lost} answers were lost.`] : []),
      ...(world.loggedOut > saboteur.lost + saboteur.refused ? [`${world.loggedOut} times somebody was asked to log in again, and only ${saboteur.lost} answers were lost, and ${saboteur.refused} refused by a fault.`] : []),
      ...(SECRETS.test(app.log) ? ['A code or a token stands in the log.'] : [])
    ]
  } finally {
    await app.stop()
    await sandbox.stop()
  }
}

/** The same again and again is told once. */
function counted(faults: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const fault of faults) counts.set(fault, (counts.get(fault) ?? 0) + 1)
  return [...counts].map(([fault, times]) => (times > 1 ? `${fault} (${times} times)` : fault))
}

async function main(): Promise<void> {
  const redis = await RedisServer.startIfThere()
  if (!redis) throw new Error('The soak needs a redis-server, and there is none on this machine (Debian: apt-get install redis-server).')
  print(`The example app, with Redis and a sandbox, for ${SECONDS} s. SOAK_SEED=${SEED}`)
  try {
    const failures = await soak(redis)
    if (failures.length === 0) {
      print('All held.')
      return
    }
    print(`\nWhat did not hold (SOAK_SEED=${SEED}):`)
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
