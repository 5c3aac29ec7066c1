// Changes the core of the package in small ways (mutants), and says which changes no test notices. See docs/mutation.md.
//
//   npm run mutation                        all areas
//   npm run mutation -- login request       these areas only
//   npm run mutation -- login --force       also the mutants whose results are known (coverage/mutation/login.incremental.json)
import { mkdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Stryker } from '@stryker-mutator/core'

/** The files of each area, and the tests that run against their mutants: only those that need no other process, browser or database. */
const AREAS = {
  request: { mutate: ['lib/request/**/*.ts'], tests: ['request/*', 'login/*', 'session/*', 'properties/*'] },
  login: { mutate: ['lib/login/**/*.ts'], tests: ['login/*', 'oauth/options', 'properties/*'] },
  session: { mutate: ['lib/session/*.ts'], tests: ['session/*', 'session/records/*', 'properties/*', 'simulation/*'] },
  // Without the two stores that need a server of their own.
  records: { mutate: ['lib/session/records/*.ts', '!lib/session/records/{redis,postgres}-*.ts'], tests: ['session/*', 'session/records/*', 'simulation/*'] },
  oauth: { mutate: ['lib/oauth/**/*.ts'], tests: ['oauth/*', 'properties/*'] }
}
const MINIMUM_SCORE = 95
const root = join(import.meta.dirname, '../..')
const reports = 'coverage/mutation'

const parameters = process.argv.slice(2)
const force = parameters.includes('--force')
const chosen = parameters.filter((parameter) => !parameter.startsWith('--'))
const unknown = chosen.filter((name) => !Object.hasOwn(AREAS, name))
if (unknown.length > 0) throw new Error(`There is no area ${unknown.join(', ')}. The areas are ${Object.keys(AREAS).join(', ')}.`)

// The same random values for every mutant and in every run, and few of them: a mutant that no test notices runs all tests.
Object.assign(process.env, { PROPERTY_SEED: '1', PROPERTY_RUNS: '10', SIMULATE_SEED: '1', SIMULATE_SCHEDULES: '50' })
process.chdir(root)
mkdirSync(reports, { recursive: true })

const scores = []
for (const name of chosen.length > 0 ? chosen : Object.keys(AREAS)) scores.push({ area: name, ...(await run(name)) })
console.table(scores)
if (scores.some(({ score }) => !(score >= MINIMUM_SCORE))) process.exitCode = 1

async function run(name) {
  const { mutate, tests } = AREAS[name]
  const mutants = await new Stryker({
    mutate,
    testRunner: 'mocha',
    plugins: [import.meta.resolve('@stryker-mutator/mocha-runner')],
    testRunnerNodeArgs: ['--import=tsx'],
    mochaOptions: {
      'no-config': true,
      'no-package': true,
      require: [join(import.meta.dirname, 'hooks.cjs')],
      spec: tests.map((test) => `test/${test}.test.ts`),
      ignore: ['test/session/records/{redis,postgres}-*.test.ts'],
      // These tests read the source, which is instrumented here.
      grep: '^(?!.*can be given the fault again)'
    },
    coverageAnalysis: 'perTest',
    incremental: true,
    incrementalFile: `${reports}/${name}.incremental.json`,
    force,
    ignorePatterns: ['.git', 'bench', 'coverage', 'dist', 'docs', 'example-app', 'test/mutation', 'test/package'],
    tempDirName: 'coverage/stryker',
    concurrency: Number(process.env.MUTATION_CONCURRENCY ?? 2),
    timeoutMS: 3000,
    reporters: ['progress-append-only', 'json', 'html'],
    jsonReporter: { fileName: `${reports}/${name}.json` },
    htmlReporter: { fileName: `${reports}/${name}.html` },
    allowConsoleColors: false,
    logLevel: 'warn',
    warnings: { slow: false }
  }).runMutationTest()
  const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length
  for (const { status, fileName, location, mutatorName, replacement } of mutants) {
    if (status !== 'Survived' && status !== 'NoCoverage') continue
    console.log(`${status}: ${relative(root, fileName)}:${location.start.line + 1}:${location.start.column + 1} ${mutatorName} → ${replacement}`)
  }
  const [killed, timedOut, survived] = [count('Killed'), count('Timeout'), count('Survived', 'NoCoverage')]
  return { killed, timedOut, survived, errors: count('CompileError', 'RuntimeError'), score: Math.round((10_000 * (killed + timedOut)) / (killed + timedOut + survived)) / 100 }
}
