import type { Request, RequestHandler } from 'express'
import type { SessionTokens } from 'passport-twilio'
import { twilioClient } from 'passport-twilio/sdk'

/** The official SDK's client for the person who is logged in, in the account that they have chosen. Needs `requireAccount` before it. */
export type ClientFor = (req: Request) => ReturnType<typeof twilioClient>

export function clientFor(apiBaseURL: string | undefined): ClientFor {
  return (req) => twilioClient(req.twilioTokens, { apiBaseURL, accountSid: req.session.account?.accountSid })
}

/**
 * Twilio can revoke an access token before it expires. When it refuses one, this refreshes it and calls the handler again, once.
 * A handler must not respond before its first call to Twilio has succeeded.
 */
export function retryWithNewToken(tokens: SessionTokens): (handler: RequestHandler) => RequestHandler {
  const fresh = tokens.fresh()
  return (handler) => async (req, res, next) => {
    try {
      await handler(req, res, next)
    } catch (error) {
      if (!isTokenRefused(error)) throw error
      await tokens.expire(req)
      fresh(req, res, (refreshError?: unknown) => {
        if (refreshError) next(refreshError)
        else Promise.resolve(handler(req, res, next)).catch(next)
      })
    }
  }
}

/** An error that Twilio's API returned to the SDK. */
export interface TwilioAPIError extends Error {
  /** The HTTP status of Twilio's response. */
  status: number
  /** Twilio's error code: https://www.twilio.com/docs/api/errors */
  code?: number
  /** The URL of a page about the error. */
  moreInfo?: string
}

export function isTwilioAPIError(error: unknown): error is TwilioAPIError {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && 'moreInfo' in error
}

const AUTHENTICATION_FAILED = 20003

function isTokenRefused(error: unknown): boolean {
  return isTwilioAPIError(error) && error.status === 401 && error.code === AUTHENTICATION_FAILED
}
