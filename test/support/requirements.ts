import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A program on this machine, by one of its names. */
export function findProgram(...names: string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Skips the tests that need something this machine lacks, saying so; fails where `TEST_REQUIRE` insists on it. */
export function skipWithout(context: Mocha.Context, requirement: string, why: string): never {
  if (process.env.TEST_REQUIRE?.split(',').includes(requirement)) throw new Error(`${why} TEST_REQUIRE insists on it.`)
  console.log(`      skipped: ${why}`)
  return context.skip()
}

/** Twilio's contract, where it is at hand beside the project. */
export function contractPath(): string | undefined {
  const path = join(process.cwd(), '../shared/spec/twilio_oauth_v1.json')
  return existsSync(path) ? path : undefined
}
