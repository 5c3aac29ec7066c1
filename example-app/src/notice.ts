import type { Request } from 'express'

/** A message at the top of a page. */
export interface Notice {
  kind: 'success' | 'info' | 'warning'
  text: string
}

declare module 'express-session' {
  interface SessionData {
    /** For the next page to show. */
    notice?: Notice
  }
}

/** Sets a message for the next page. It is kept in the session, because a redirect comes in between. */
export function setNotice({ session }: Request, kind: Notice['kind'], text: string): void {
  session.notice = { kind, text }
}

/** Returns the message for this page and removes it, so that a reload does not show it again. */
export function takeNotice({ session }: Request): Notice | undefined {
  const { notice } = session
  delete session.notice
  return notice
}
