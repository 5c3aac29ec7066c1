import { fork } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Puts known faults back into copies of the code, one by one, and counts the schedules until the simulator finds each:
 * `node --import tsx test/simulation/mutations.ts [WORD OF THE FAULT]`.
 */
export interface Mutation {
  readonly fault: string
  readonly changes: readonly TextChange[]
}

interface TextChange {
  readonly file: string
  /** Occurs once in the file. */
  readonly from: string
  readonly to: string
}

export const ROOT = process.cwd()

const RECORDS = 'lib/session/records/login-records.ts'
const SHARED_STORE = 'lib/session/records/shared-store.ts'
const LOCK_OWNER = 'lib/session/records/lock-owner.ts'
const REFRESHER = 'lib/session/records/refresh-once.ts'
const MEMORY = 'lib/session/records/memory-refreshes.ts'
const SESSION = 'lib/session/login-session.ts'
const LIVE = 'lib/session/live-logins.ts'
const APP = 'test/simulation/app-process.ts'

export const MUTATIONS: readonly Mutation[] = [
  {
    fault: 'a lock expires before the call that it guards',
    changes: [
      { file: RECORDS, from: 'this.#lockTTL = options.timeout + LOCK_MARGIN', to: 'this.#lockTTL = options.timeout / 10' },
      { file: RECORDS, from: 'beginBefore: askedAt + this.#lockTTL - timeout', to: 'beginBefore: Infinity' }
    ]
  },
  {
    fault: 'a refresh begins however much of its lock has passed',
    changes: [{ file: REFRESHER, from: 'if (clock.elapsed() > lock.beginBefore) {', to: 'if (lock.beginBefore < 0) {' }]
  },
  {
    fault: 'nobody looks at the stored session before a token is spent',
    changes: [{ file: REFRESHER, from: 'const stored = await this.#orRelease(lock, session.load(held))\n', to: 'const stored = await Promise.resolve<KeptLogin | undefined>(held)\n' }]
  },
  {
    fault: 'nobody looks at the record before a token is spent',
    changes: [{ file: MEMORY, from: 'if (record && record.generation > generation) return', to: 'if (record && record.generation > generation + 1e15) return' }]
  },
  {
    fault: 'nobody looks at the record again after the session was stored',
    changes: [{ file: REFRESHER, from: 'this.#records.undoIfLoggedOut(login, () => session.destroy(login))', to: 'Promise.resolve(false)' }]
  },
  {
    fault: 'the second look is given up at the first error',
    changes: [{ file: RECORDS, from: 'this.#retries.add(undoIfLoggedOut)', to: '' }]
  },
  {
    fault: 'requests that shared a refresh save their session',
    changes: [{ file: LIVE, from: 'if (!session.hasStore) session.setCopy(login)', to: 'session.setCopy(login)' }]
  },
  {
    fault: 'a copy of a session that goes on is saved',
    changes: [{ file: SESSION, from: 'return !this.#isOutdated', to: 'return true' }]
  },
  {
    fault: 'tokens are removed from a copy of a session that goes on',
    changes: [{ file: SESSION, from: '    } else {\n', to: '    } else {\n      this.#sessions.remove(copy)\n' }]
  },
  {
    fault: 'tokens are removed from a copy when the stored session is not known',
    changes: [{ file: SESSION, from: '    } catch {\n      this.#isOutdated = true\n', to: '    } catch {\n      this.#sessions.remove(copy)\n' }]
  },
  {
    fault: 'a process refreshes alone as soon as the store does not reply',
    changes: [{ file: RECORDS, from: 'return error instanceof RefreshStoreError ||', to: 'return error instanceof Error ||' }]
  },
  {
    fault: 'a store whose replies are late counts as silent',
    changes: [
      { file: SHARED_STORE, from: 'reply.then(() => (this.#silentSince = undefined), () => undefined)', to: '' },
      { file: SHARED_STORE, from: 'return inTime.result', to: 'this.#silentSince = undefined\n      return inTime.result' }
    ]
  },
  {
    fault: 'a lock that was lost in a failover is taken over',
    changes: [{ file: RECORDS, from: 'if (predecessor.hasFinished(acquired.series, clock.elapsed())) return', to: 'if (acquired) return' }]
  },
  {
    fault: 'any lock that was released hides one that was lost',
    changes: [{ file: MEMORY, from: 'const series = lock?.series ?? owner', to: "const series = lock ? 'released' : owner" }]
  },
  {
    fault: 'a late reply releases a lock that its owner uses',
    changes: [{ file: LOCK_OWNER, from: 'if (this.#isFinished) release()\n    else this.#release ??= release', to: 'release()' }]
  },
  {
    fault: 'the loser of a race clears what the winner has saved',
    changes: [{ file: REFRESHER, from: 'if (recorded || (stored && stored.generation > login.generation))', to: 'if (stored && stored.generation < 0)' }]
  },
  {
    fault: 'an older record replaces a newer one',
    changes: [{ file: MEMORY, from: 'if (record && record.generation >= generation) return', to: 'if (record && generation < 0) return' }]
  },
  {
    fault: 'a session gets the tokens of another login that was in it before',
    changes: [{ file: SESSION, from: 'return login?.id === id ? login : undefined', to: 'return id === undefined ? undefined : login' }]
  },
  {
    fault: 'drop() comes after the session was destroyed',
    changes: [
      { file: APP, from: 'const isRecorded = await this.#drop(session, login)\n', to: '' },
      { file: APP, from: 'if (login) referee.loggedOut(', to: 'const isRecorded = await this.#drop(session, login)\n      if (login) referee.loggedOut(' }
    ]
  },
  {
    fault: 'drop() leaves the record as it is',
    changes: [{ file: APP, from: 'if (login) await this.#refresher.logOut(login, RECORD_TTL)', to: '' }]
  },
  {
    fault: 'any failure of Twilio ends the login',
    changes: [{ file: REFRESHER, from: "if (isPermanentError(error) && error.code === 'invalid_grant') return", to: 'if (isPermanentError(error) || error instanceof Error) return' }]
  },
  {
    fault: 'an error of the session store is read as a session that is gone',
    changes: [{ file: 'lib/request/session-store.ts', from: "if (isObject(error) && error.code === 'ENOENT') return undefined\n      throw error", to: 'return isObject(error) ? undefined : undefined' }]
  },
  {
    fault: 'a request waits although its token lives',
    changes: [{ file: LIVE, from: 'const goesOnMeanwhile = isUsableMeanwhile && refreshInBackground', to: 'const goesOnMeanwhile = refreshInBackground && held.generation < 0' }]
  },
  {
    fault: 'a token that another clock has marked as expired counts as fresh',
    changes: [{ file: 'lib/session/freshness.ts', from: 'Math.max(0, expiresAt - receivedAt)', to: 'expiresAt - receivedAt' }]
  },
  {
    fault: 'expire() trusts a lock that may be over',
    changes: [{ file: REFRESHER, from: 'const isLate = clock.elapsed() > lock.beginBefore', to: 'const isLate = false' }]
  }
]

/** @throws {Error} when the text to change is no longer there once */
export function applyMutation(source: string, { file, from, to }: TextChange): string {
  const [before, after, ...more] = source.split(from)
  if (before === undefined || after === undefined || more.length > 0) throw new Error(`${file} has to hold this text once: ${from}`)
  return before + to + after
}

const SEED = 1
const SCHEDULES = Number(process.env.SIMULATE_SCHEDULES ?? 100_000)

interface Found {
  readonly seed: number
  readonly invariant: string
}

async function main(word: string): Promise<void> {
  console.log('| fault | found by | schedules |\n| --- | --- | --- |')
  for (const mutation of MUTATIONS.filter(({ fault }) => fault.includes(word))) {
    const found = await findIn(mutation)
    console.log(`| ${mutation.fault} | ${found ? found.invariant : 'not found'} | ${found ? found.seed - SEED + 1 || '' : `> ${SCHEDULES}`} |`)
    if (!found) process.exitCode = 1
  }
}

async function findIn({ changes }: Mutation): Promise<Found | undefined> {
  const copy = await mkdtemp(join(tmpdir(), 'simulation-'))
  try {
    for (const part of ['lib', 'test/simulation', 'package.json', 'tsconfig.json']) await cp(join(ROOT, part), join(copy, part), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    for (const change of changes) {
      const file = join(copy, change.file)
      await writeFile(file, applyMutation(await readFile(file, 'utf8'), change))
    }
    return await simulate(copy)
  } finally {
    await rm(copy, { recursive: true })
  }
}

function simulate(folder: string): Promise<Found | undefined> {
  return new Promise((resolve, reject) => {
    const simulation = fork(join(folder, 'test', 'simulation', 'run.ts'), { cwd: ROOT, env: { ...process.env, SIMULATE_RANGE: `${SEED}-${SEED + SCHEDULES}` } })
    let found: Found | undefined
    simulation.on('message', ({ violations: [first] }: { readonly violations: readonly Found[] }) => {
      if (!first) return
      found ??= first
      simulation.kill()
    })
    simulation.on('error', reject)
    simulation.on('exit', (code) => resolve(code === 0 ? found : (found ?? { seed: NaN, invariant: 'the simulation, which never ends' })))
  })
}

if (require.main === module) void main(process.argv[2] ?? '')
