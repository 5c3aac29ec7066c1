import type { Request, RequestHandler, Response } from 'express'
import type { SessionTokens } from 'passport-twilio'
import { twilioClient } from 'passport-twilio/sdk'
import { setNotice, takeNotice } from './notice.ts'

const LIMIT = 20
const REFRESHED = 'Twilio no longer accepted the token, so the app refreshed it. You did not have to log in again.'
const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

/** Pages that call Twilio's API with the user's access token. */
export function phonePages(tokens: SessionTokens, apiBaseURL: string | undefined): { numbers: RequestHandler; messages: RequestHandler } {
  const clientFor = (req: Request) => twilioClient(req.twilioTokens, { apiBaseURL })

  /** If Twilio refuses an access token before it expires, refreshes the token and loads the page again, once. */
  const page = (render: (req: Request, res: Response) => Promise<void>): RequestHandler => {
    return async (req, res) => {
      const notice = takeNotice(req)
      res.locals.notice = notice
      try {
        await render(req, res)
      } catch (error) {
        const wasRefused = error instanceof Error && 'status' in error && error.status === 401
        if (!wasRefused || notice === REFRESHED) throw error
        await tokens.expire(req)
        setNotice(req, REFRESHED)
        res.redirect(req.path)
      }
    }
  }

  return {
    numbers: page(async (req, res) => {
      const numbers = await clientFor(req).incomingPhoneNumbers.list({ limit: LIMIT })
      res.render('numbers', { numbers })
    }),
    messages: page(async (req, res) => {
      const messages = await clientFor(req).messages.list({ limit: LIMIT })
      res.render('messages', { messages, formatDate })
    })
  }
}

function formatDate(date: Date): string {
  return `${DATE.format(date)} UTC`
}
