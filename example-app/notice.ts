import type { Request } from 'express'

declare module 'express-session' {
  interface SessionData {
    /** What the next page says. */
    notice?: string
  }
}

/** Lets the next page say something: it waits in the session over the redirect. */
export function tellNext({ session }: Request, notice: string): void {
  session.notice = notice
}

/** What this page is to say, once: a reload does not say it again. */
export function takeNotice({ session }: Request): string | undefined {
  const { notice } = session
  delete session.notice
  return notice
}
