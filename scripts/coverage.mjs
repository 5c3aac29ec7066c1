// Runs the tests and reports how much of lib/ they cover. The tests run as compiled by tsc, because the helpers
// that tsx (esbuild) adds to its output would count as branches that no test can reach.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const compiled = join(root, 'coverage/compiled')
const require = createRequire(import.meta.url)
const run = (...parameters) => execFileSync(process.execPath, parameters, { cwd: root, stdio: 'inherit' })

/** Tests that run lib/ in other processes, where coverage is not measured. */
const ELSEWHERE = 'example,faults,processes,readme'

rmSync(join(root, 'coverage'), { recursive: true, force: true })
run(require.resolve('typescript/bin/tsc'), '--noEmit', 'false', '--outDir', compiled, '--sourceMap', '--inlineSources', '--importHelpers')
run(require.resolve('c8/bin/c8.js'), process.execPath, require.resolve('mocha/bin/mocha.js'), '--no-config', '--forbid-only', '--timeout', '20000', '--ignore', join(compiled, `test/{${ELSEWHERE}}/**`), join(compiled, 'test/**/*.test.js'))
