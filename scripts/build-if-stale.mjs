// Builds the package if something that it is built from has changed since the last build, and says so.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const SOURCES = ['lib', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']
const OUTPUT = 'dist/index.js'

const reason = findReason()
if (reason) {
  process.stdout.write(`Building the package: ${reason}.\n`)
  process.exitCode = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit', shell: process.platform === 'win32' }).status ?? 1
}

function findReason() {
  if (!existsSync(OUTPUT)) return 'it has not been built yet'
  const builtAt = changedAt(OUTPUT)
  const changed = SOURCES.flatMap(withContents).find((path) => changedAt(path) > builtAt)
  return changed && `${changed} has changed since the last build`
}

/** A folder changes when a file in it is added, renamed or deleted. */
function withContents(path) {
  if (!statSync(path).isDirectory()) return [path]
  return [...readdirSync(path, { recursive: true }).map((name) => join(path, name)), path]
}

function changedAt(path) {
  return statSync(path).mtimeMs
}
