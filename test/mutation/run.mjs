// Makes small changes (mutants) to the core of the package, and reports those that no test detects. See docs/mutation.md.
//
//   npm run mutation                        all areas
//   npm run mutation -- login request       these areas only
//   npm run mutation -- --sample=0.2        a fifth of the mutants, the same ones each time
//   npm run mutation -- login --file=lib/login/pkce.ts    only this file of the area; can be repeated
//   npm run mutation -- login --static      also mutants of code that runs only when a file is loaded
//   npm run mutation -- login --force       also mutants whose results are known (coverage/mutation/login.incremental.json)
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'

/**
 * The files of each area, and the tests that run against their mutants: only those that need no other process, browser or database.
 * The first test that fails ends the run of a mutant, so the tests that are about the files come first.
 */
const AREAS = {
  request: { mutate: ['lib/request/**/*.ts'], tests: ['request/*', 'login/*', 'session/*', 'properties/*'] },
  login: { mutate: ['lib/login/**/*.ts'], tests: ['login/*', 'oauth/options', 'properties/*', 'diagnostics'] },
  session: { mutate: ['lib/session/*.ts'], tests: ['session/*', 'session/records/*', 'properties/sealing', 'simulation/*'] },
  // Without the two stores that need a server of their own.
  records: { mutate: ['lib/session/records/*.ts', '!lib/session/records/{redis,postgres}-*.ts'], tests: ['session/records/*', 'simulation/*', 'session/*'] },
  oauth: { mutate: ['lib/oauth/**/*.ts'], tests: ['oauth/*', 'properties/parsing', 'diagnostics'] },
  util: { mutate: ['lib/util/**/*.ts'], tests: ['util/*', 'properties/*', 'oauth/*', 'session/*'] }
}
/** Of all mutants. Up to 6 % of an area are accepted survivors (docs/mutation.md), so this is more than 95 % of the others. */
const MINIMUM_SCORE = 93
const root = join(import.meta.dirname, '../..')
const reports = 'coverage/mutation'

const { values: options, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: { sample: { type: 'string', default: '1' }, file: { type: 'string', multiple: true }, static: { type: 'boolean', default: false }, force: { type: 'boolean', default: false } }
})
const unknown = chosen.filter((name) => !Object.hasOwn(AREAS, name))
if (unknown.length > 0) throw new Error(`There is no area ${unknown.join(', ')}. The areas are ${Object.keys(AREAS).join(', ')}.`)
const sample = Number(options.sample)
if (!(sample > 0 && sample <= 1)) throw new Error('--sample must be a number above 0 and at most 1, such as --sample=0.2.')

// The same random values for every mutant and in every run, and few of them: a mutant that survives runs all tests that reach it.
Object.assign(process.env, { MUTATION_SAMPLE: String(sample), PROPERTY_SEED: '1', PROPERTY_RUNS: '10', SIMULATE_SEED: '1', SIMULATE_SCHEDULES: '50' })
process.chdir(root)
mkdirSync(reports, { recursive: true })

const scores = []
for (const name of chosen.length > 0 ? chosen : Object.keys(AREAS)) scores.push({ area: name, ...(await run(name)) })
console.table(scores)
if (scores.some(({ score }) => !(score >= MINIMUM_SCORE))) process.exitCode = 1

async function run(name) {
  const { mutate: all, tests } = AREAS[name]
  const mutate = options.file ?? all
  const incrementalFile = `${reports}/${name}.incremental.json`
  const mutants = await new Stryker({
    mutate,
    testRunner: 'mocha',
    plugins: [import.meta.resolve('@stryker-mutator/mocha-runner'), import.meta.resolve('./plugins.mjs')],
    checkers: sample < 1 ? ['sample'] : [],
    ignoreStatic: !options.static,
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
    incrementalFile,
    force: options.force,
    ignorePatterns: ['.git', 'bench', 'coverage', 'dist', 'docs', 'example-app', 'test/mutation', 'test/package'],
    tempDirName: 'coverage/stryker',
    concurrency: Number(process.env.MUTATION_CONCURRENCY ?? 2),
    // Of the whole run of a mutant, apart from the limit of each test in hooks.cjs. Generous, since a time-out counts as detected.
    timeoutMS: 10_000,
    timeoutFactor: 4,
    reporters: ['progress-append-only', 'survivors', 'json', 'html'],
    jsonReporter: { fileName: `${reports}/${name}.json` },
    htmlReporter: { fileName: `${reports}/${name}.html` },
    allowConsoleColors: false,
    logLevel: 'warn',
    warnings: { slow: false }
  }).runMutationTest()
  forgetUnsampled(incrementalFile)
  const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length
  const [killed, timedOut, survived] = [count('Killed'), count('Timeout'), count('Survived', 'NoCoverage')]
  const tested = killed + timedOut + survived
  return { mutants: mutants.length, static: count('Ignored'), tested, killed, timedOut, survived, errors: count('RuntimeError'), score: Math.round((10_000 * (killed + timedOut)) / tested) / 100 }
}

/** A later run, with a larger sample, has to test them. */
function forgetUnsampled(incrementalFile) {
  if (!existsSync(incrementalFile)) return
  const report = JSON.parse(readFileSync(incrementalFile, 'utf8'))
  for (const file of Object.values(report.files)) file.mutants = file.mutants.filter(({ status }) => status !== 'CompileError')
  writeFileSync(incrementalFile, JSON.stringify(report))
}
