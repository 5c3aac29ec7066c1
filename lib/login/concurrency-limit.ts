import { AuthorizationError } from 'passport-oauth2'
import { helpFor } from '../errors'

const MAX_CONCURRENT_CALLS = 250
/** Seconds after which another attempt is likely to succeed. */
const RETRY_AFTER = 5

/** Limits how many calls to Twilio visitors can cause at once, for example with forged codes. */
export class ConcurrencyLimit {
  readonly #max: number
  #running = 0

  constructor(max = MAX_CONCURRENT_CALLS) {
    this.#max = max
  }

  /** @throws {TooManyLoginsError} if too many calls are running */
  check(): void {
    if (this.#running >= this.#max) throw new TooManyLoginsError()
  }

  /** @throws {TooManyLoginsError} if too many calls are running. `call` is not called then. */
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    this.check()
    this.#running++
    try {
      return await call()
    } finally {
      this.#running--
    }
  }
}

/** Too many logins are under way at once. */
export class TooManyLoginsError extends AuthorizationError {
  override readonly name = 'TooManyLoginsError'
  /** Where this error is explained. */
  readonly help = helpFor('AuthorizationError')
  /** For the `Retry-After` header, in seconds. */
  readonly retryAfter = RETRY_AFTER

  constructor() {
    super('Too many people are logging in at the moment. Reload the page in a few seconds.', 'temporarily_unavailable', undefined, 503)
  }
}
