import type { Request } from 'express'

declare module 'express-session' {
  interface SessionData {
    /** A message for the next page to show. */
    notice?: string
  }
}

/** Sets a message for the next page. It is kept in the session, because a redirect comes in between. */
export function setNotice({ session }: Request, notice: string): void {
  session.notice = notice
}

/** Returns the message for this page and removes it, so that a reload does not show it again. */
export function takeNotice({ session }: Request): string | undefined {
  const { notice } = session
  delete session.notice
  return notice
}
