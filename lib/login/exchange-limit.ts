import { AuthorizationError } from 'passport-oauth2'

const MAX_CONCURRENT_EXCHANGES = 250
/** Seconds after which another attempt is likely to succeed. */
const RETRY_AFTER = 5

/** Limits how many codes are exchanged at once, so that visitors with made-up codes cannot open any number of connections to Twilio. */
export class ExchangeLimit {
  readonly #max: number
  #running = 0

  constructor(max = MAX_CONCURRENT_EXCHANGES) {
    this.#max = max
  }

  /** @throws {TooManyLoginsError} if too many are running. `exchange` is not called then. */
  async run<Result>(exchange: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#max) throw new TooManyLoginsError()
    this.#running++
    try {
      return await exchange()
    } finally {
      this.#running--
    }
  }
}

/** Too many logins are being finished at once. */
export class TooManyLoginsError extends AuthorizationError {
  /** For the `Retry-After` header, in seconds. */
  readonly retryAfter = RETRY_AFTER

  constructor() {
    super('Too many logins are being finished at the moment. Reload the page in a few seconds.', 'temporarily_unavailable', undefined, 503)
  }
}
