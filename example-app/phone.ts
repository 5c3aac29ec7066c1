import type { Request, RequestHandler, Response } from 'express'
import type { SessionTokens } from 'passport-twilio'
import { twilioClient } from 'passport-twilio/sdk'
import { takeNotice, tellNext } from './notice.ts'

const LIMIT = 20
const RENEWED = 'The token was renewed on the way, without asking you.'
const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

/** Pages of what Twilio's API says, asked with the session's token. */
export function phonePages(tokens: SessionTokens, apiBaseURL: string | undefined): { numbers: RequestHandler; messages: RequestHandler } {
  const clientFor = (req: Request) => twilioClient(req.twilioTokens, { apiBaseURL })

  /** A token that Twilio takes no more, before its time, is renewed, and the page is asked for again: once. */
  const page = (show: (req: Request, res: Response) => Promise<void>): RequestHandler => {
    return async (req, res) => {
      const notice = takeNotice(req)
      res.locals.notice = notice
      try {
        await show(req, res)
      } catch (error) {
        const wasRefused = error instanceof Error && 'status' in error && error.status === 401
        if (!wasRefused || notice === RENEWED) throw error
        await tokens.expire(req)
        tellNext(req, RENEWED)
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
      res.render('messages', { messages, inWords })
    })
  }
}

function inWords(date: Date): string {
  return `${DATE.format(date)} UTC`
}
