import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Shown {
  readonly threat: string
  readonly file: string
  readonly title: string
}

/** The rows of SECURITY.md's table: a threat, what answers it, and the test that shows it. */
function rowsOf(text: string): Shown[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:threat|---)/.test(line))
    .map((line) => {
      const [, threat, , shown] = line.split(' | ').length === 3 ? ['', ...line.slice(2, -2).split(' | ')] : []
      const [, file, title] = /^`([^`]+)`: (.+)$/.exec(shown ?? '') ?? []
      assert.ok(threat !== undefined && file !== undefined && title !== undefined, `no test in: ${line}`)
      return { threat, file, title }
    })
}

/** The tests that there are in some files, by `file: title`, without running them. */
function testsIn(files: readonly string[]): Set<string> {
  const directory = mkdtempSync(join(tmpdir(), 'passport-twilio-security-'))
  try {
    const output = join(directory, 'tests.json')
    const mocha = ['--dry-run', '--exit', '--no-config', '--node-option', 'import=tsx', '--reporter', 'json', '--reporter-option', `output=${output}`]
    // What it loads and does not run must not count as not covered.
    const env = { ...process.env, NODE_V8_COVERAGE: '' }
    execFileSync(process.execPath, ['node_modules/mocha/bin/mocha.js', ...mocha, ...files], { stdio: 'ignore', env })
    const { tests } = JSON.parse(readFileSync(output, 'utf8')) as { tests: { file: string; title: string }[] }
    return new Set(tests.map(({ file, title }) => `${file.slice(process.cwd().length + 1)}: ${title}`))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describe('SECURITY.md', function () {
  this.timeout(60_000)

  it('names, for each threat, a test that there is', () => {
    const rows = rowsOf(readFileSync('SECURITY.md', 'utf8'))
    assert.ok(rows.length > 30)
    const tests = testsIn([...new Set(rows.map(({ file }) => file))])
    assert.deepEqual(rows.filter(({ file, title }) => !tests.has(`${file}: ${title}`)), [])
  })
})
