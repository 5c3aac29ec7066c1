import { isDone, setMethod, type Done } from './session-methods'

/**
 * Lets a session be saved again in this request only if it has changed since. A session that was renewed at login is
 * saved by Passport; express-session, which compares it with the one before, saves it at the end of the request once
 * more in any case, while the browser waits.
 */
export function saveOnlyChanges(session: Record<string, unknown>): void {
  const { save } = session
  if (typeof save !== 'function') return
  let saved: string | undefined
  const saveChanges = (...given: unknown[]): unknown => {
    const [done] = given
    const content = contentOf(session)
    if (!isDone(done)) {
      saved = undefined
      return save.apply(session, given) as unknown
    }
    if (content !== undefined && content === saved) {
      done()
      return session
    }
    const remembered: Done = (error) => {
      if (!error) saved = content
      done(error)
    }
    return save.call(session, remembered) as unknown
  }
  setMethod(session, 'save', saveChanges)
}

/** As stores put it away; `undefined` for what no JSON can tell, which is not compared. */
function contentOf(session: object): string | undefined {
  try {
    return JSON.stringify(session)
  } catch {
    return undefined
  }
}
