// Runs the tests and says how much of lib/ they cover. They run as tsc compiles them: what other compilers
// put into their output (esbuild's helpers) would count as branches that no test can reach.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const compiled = join(root, 'coverage/compiled')
const require = createRequire(import.meta.url)
const run = (...parameters) => execFileSync(process.execPath, parameters, { cwd: root, stdio: 'inherit' })

/** Tests of the benchmarks, of the build, and of other processes, which cover nothing that the rest does not. */
const ELSEWHERE = ['test/{bench,build,example,faults,processes,readme}/**', 'test/sandbox/cli.test.js'].flatMap((files) => ['--ignore', join(compiled, files)])

rmSync(join(root, 'coverage'), { recursive: true, force: true })
run(require.resolve('typescript/bin/tsc'), '--noEmit', 'false', '--outDir', compiled, '--sourceMap', '--inlineSources', '--importHelpers')
run(require.resolve('c8/bin/c8.js'), process.execPath, require.resolve('mocha/bin/mocha.js'), '--no-config', '--forbid-only', '--parallel', '--jobs', '2', '--timeout', '20000', ...ELSEWHERE, join(compiled, 'test/**/*.test.js'))
