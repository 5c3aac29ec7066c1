import { publishLogin, startTimer, type LoginMessage } from '../diagnostics'
import { applicationError } from './application-error'

/** The browser is sent to Twilio. */
export interface Redirect {
  readonly location: string
}

/** A user is logged in. */
export interface Success {
  readonly user: Express.User
  readonly info: object
}

/** Nobody is logged in. */
export interface Failure {
  readonly challenge: object | undefined
  /** Whether the person did not approve. */
  readonly isDenied?: boolean
}

/** One of Passport's actions. */
export type Outcome = Redirect | Success | Failure

/** Publishes how the beginning or the end of a login went. */
export async function published<Result extends Outcome>(phase: LoginMessage['phase'], handle: () => Promise<Result>): Promise<Result> {
  const elapsed = startTimer()
  try {
    const result = await handle()
    publishLogin({ phase, outcome: outcomeOf(result), duration: elapsed() })
    return result
  } catch (thrown) {
    const error = applicationError(thrown)
    publishLogin({ phase, outcome: 'failed', duration: elapsed(), error })
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- an application's errors are passed on as they are
    throw error
  }
}

function outcomeOf(outcome: Outcome): LoginMessage['outcome'] {
  if ('location' in outcome) return undefined
  if ('user' in outcome) return 'success'
  return outcome.isDenied ? 'denied' : 'failed'
}
