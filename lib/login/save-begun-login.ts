import { sessionStoreError } from '../errors'
import { saveSession } from '../request/session-store'
import { systemClock } from '../util/clock'
import { messageOf } from '../util/message-of'
import { redact } from '../util/redact'

/**
 * Saves the session in which a login has begun, before the browser is sent to Twilio. express-session would save it at the end of
 * the response, when it is too late to answer with an error.
 *
 * Rejects with an error for the visitor if the session can't be saved.
 */
export async function saveBegunLogin(request: object, clock = systemClock): Promise<void> {
  try {
    await saveSession(request, clock)
  } catch (error) {
    throw sessionStoreError(`The login was not started, because the session could not be saved. Check the session store: ${redact(messageOf(error), [])}`, { cause: error })
  }
}
