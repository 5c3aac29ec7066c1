import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SCRIPT = join(process.cwd(), 'scripts/build-if-stale.mjs')
const EARLIER = new Date('2026-01-01T10:00:00Z')
const BUILT_AT = new Date('2026-01-01T11:00:00Z')
const LATER = new Date('2026-01-01T12:00:00Z')

describe('before `npm start`, the package', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'passport-twilio-build-'))
    mkdirSync(join(folder, 'lib/oauth'), { recursive: true })
    mkdirSync(join(folder, 'dist/oauth'), { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { build: "node -e \"fs.writeFileSync('dist/index.js', 'new')\"" } }))
    for (const file of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'lib/index.ts', 'lib/oauth/client.ts']) writeFileSync(join(folder, file), '')
    for (const file of ['dist/index.js', 'dist/oauth/client.js']) writeFileSync(join(folder, file), 'old')
    for (const path of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'lib', 'lib/oauth', 'lib/index.ts', 'lib/oauth/client.ts']) setTime(path, EARLIER)
    setTime('dist/index.js', BUILT_AT)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function setTime(path: string, time: Date): void {
    utimesSync(join(folder, path), time, time)
  }

  function run(): { code: number | null; output: string; built: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT], { cwd: folder, encoding: 'utf8' })
    return { code: status, output: stdout + stderr, built: readFileSync(join(folder, 'dist/index.js'), 'utf8') }
  }

  it('is not built, and nothing is printed, if nothing has changed since the last build', () => {
    assert.deepEqual(run(), { code: 0, output: '', built: 'old' })
  })

  it('is built if there is no build yet', () => {
    rmSync(join(folder, 'dist/index.js'))
    assert.deepEqual(run(), { code: 0, output: 'Building the package: it has not been built yet.\n', built: 'new' })
  })

  for (const path of ['lib/oauth/client.ts', 'package-lock.json', 'tsconfig.build.json']) {
    it(`is built, and the reason is printed, if ${path} has changed`, () => {
      setTime(path, LATER)
      assert.deepEqual(run(), { code: 0, output: `Building the package: ${join(path)} has changed since the last build.\n`, built: 'new' })
    })
  }

  it('is built if a file was deleted', () => {
    rmSync(join(folder, 'lib/oauth/client.ts'))
    assert.deepEqual(run(), { code: 0, output: `Building the package: ${join('lib/oauth')} has changed since the last build.\n`, built: 'new' })
  })

  it('is built if the last build was interrupted', () => {
    rmSync(join(folder, 'dist/oauth/client.js'))
    assert.deepEqual(run(), { code: 0, output: `Building the package: ${join('dist/oauth/client.js')} is missing.\n`, built: 'new' })
  })

  it('is built again if a file was saved during the build', () => {
    setTime('lib/index.ts', LATER)
    const build = "fs.writeFileSync('lib/index.ts', ''); fs.writeFileSync('dist/index.js', 'new')"
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { build: `node -e "${build}"` } }))
    run()
    assert.match(run().output, /^Building the package: lib.index\.ts has changed/)
  })

  it("is not built because of an editor's hidden files", () => {
    symlinkSync('me@here.1', join(folder, 'lib/.#index.ts'))
    setTime('lib', EARLIER)
    assert.deepEqual(run(), { code: 0, output: '', built: 'old' })
  })

  it('does not start if the build fails', () => {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { build: 'node -e "process.exit(2)"' } }))
    setTime('lib/index.ts', LATER)
    assert.notEqual(run().code, 0)
  })
})

describe('`npm start`', () => {
  it('builds only what has changed, and `npm test` builds nothing', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
    for (const name of ['prestart', 'prestart:cluster']) assert.equal(scripts[name], 'node scripts/build-if-stale.mjs')
    assert.equal(scripts.pretest, undefined)
    assert.doesNotMatch(scripts.test ?? '', /build/)
  })
})
