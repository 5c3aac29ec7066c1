import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { join } from 'node:path'

export interface Machine {
  readonly processor: string
  readonly processors: number
  readonly node: string
  /** Of this package's peers and what they build on. */
  readonly versions: Readonly<Record<string, string>>
}

const PACKAGES = ['passport', 'passport-oauth2', 'passport-oauth2-refresh', 'openid-client', 'grant', 'express-openid-connect', 'express', 'express-session', 'connect-redis', 'connect-pg-simple']

export function machine(): Machine {
  const [{ model } = { model: 'unknown' }] = cpus()
  return { processor: model, processors: cpus().length, node: process.version, versions: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])) }
}

function versionOf(name: string): string {
  // Not every package exports its package.json.
  const [folder = ''] = (createRequire(import.meta.url).resolve.paths(name) ?? []).filter((path) => path.startsWith(join(import.meta.dirname, '../node_modules')))
  return (JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as { version: string }).version
}
