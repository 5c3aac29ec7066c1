import { inspect } from 'node:util'
import { setupError } from '../errors'
import { redact } from '../util/redact'

/**
 * What to pass to `next` for whatever a function of the app threw: an object as it is, else an Error. Connect continues with the
 * next handler after `next(undefined)`, as if the person had logged in, and Express skips handlers after `next('route')`.
 */
export function applicationError(thrown: unknown): object {
  if (typeof thrown === 'object' && thrown !== null) return thrown
  return setupError(`A function of the app, such as verify, failed with ${redact(inspect(thrown), [])} instead of an Error. Throw an Error, or pass one to done.`)
}
