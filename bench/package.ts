import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as twilio from 'passport-twilio'

export type Package = typeof twilio

/** The folder of this checkout. */
export const HERE = join(import.meta.dirname, '..')

/** Loads the build of passport-twilio in a folder, as its package.json exports it. */
export function loadPackage(folder: string): Package {
  return createRequire(join(folder, 'package.json'))('passport-twilio') as Package
}
