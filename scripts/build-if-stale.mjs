// Builds the package if something that it is built from has changed since the last build, and says so.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs'
import { basename, join } from 'node:path'

const SOURCES = ['lib', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']
const OUTPUT = 'dist/index.js'

const reason = findReason()
if (reason) {
  process.stdout.write(`Building the package: ${reason}.\n`)
  const startedAt = new Date()
  process.exitCode = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit', shell: process.platform === 'win32' }).status ?? 1
  // A file that is saved during the build may not be part of it.
  if (process.exitCode === 0) utimesSync(OUTPUT, startedAt, startedAt)
}

function findReason() {
  if (!existsSync(OUTPUT)) return 'it has not been built yet'
  const builtAt = changedAt(OUTPUT)
  const paths = SOURCES.flatMap(withContents)
  const changed = paths.find((path) => changedAt(path) > builtAt)
  if (changed) return `${changed} has changed since the last build`
  const missing = paths.map(outputOf).find((output) => output && !existsSync(output))
  return missing && `${missing} is missing`
}

/** A folder changes when a file in it is added, renamed or deleted. Hidden files are an editor's own. */
function withContents(path) {
  if (!statSync(path).isDirectory()) return [path]
  const names = readdirSync(path, { recursive: true }).filter((name) => !basename(name).startsWith('.'))
  return [...names.map((name) => join(path, name)), path]
}

/** The last build may have been interrupted. */
function outputOf(path) {
  return path.endsWith('ts') ? path.replace(/^lib/, 'dist').replace(/ts$/, 'js') : undefined
}

function changedAt(path) {
  return statSync(path).mtimeMs
}
