import type { Request, RequestHandler, Response } from 'express'
import { parsePhoneNumberFromString } from 'libphonenumber-js'
import { TwilioPermissionError } from 'passport-twilio'
import { formatPhoneNumber } from './format.ts'
import { log } from './log.ts'
import { setNotice } from './notice.ts'
import { isTwilioAPIError, type ClientFor, type TwilioAPIError } from './twilio-api.ts'

const LIMIT = 50
/** Twilio's limit, in characters. */
const MAX_LENGTH = 1600

/** How a message's status is shown. A status that is not listed here is on its way. */
const STATUSES: Record<string, { label: string; tone: 'good' | 'bad' | 'neutral' }> = {
  sent: { label: 'Sent', tone: 'good' },
  delivered: { label: 'Delivered', tone: 'good' },
  read: { label: 'Read', tone: 'good' },
  received: { label: 'Received', tone: 'good' },
  undelivered: { label: 'Not delivered', tone: 'bad' },
  failed: { label: 'Failed', tone: 'bad' },
  canceled: { label: 'Canceled', tone: 'bad' }
}

/** The page with the account's messages, the newest first. */
export function messagesPage(clientFor: ClientFor): RequestHandler {
  return async (req, res) => {
    const messages = await clientFor(req).messages.list({ limit: LIMIT })
    res.render('messages', {
      limit: LIMIT,
      messages: messages.map(({ body, from, to, status, direction, dateCreated, errorCode }) => ({
        body,
        from: formatPhoneNumber(from),
        to: formatPhoneNumber(to),
        isIncoming: direction === 'inbound',
        date: dateCreated,
        status: STATUSES[status] ?? { label: 'On its way', tone: 'neutral' },
        errorCode
      }))
    })
  }
}

/** What somebody has entered into the form. */
interface Draft {
  from: string
  to: string
  body: string
}

/** What is wrong with a message: by field, or about all of it. */
type Problems = Partial<Record<keyof Draft | 'message', string>> & { moreInfo?: string | undefined }

/** The form to write a message. */
export function messageForm(clientFor: ClientFor): RequestHandler {
  return async (req, res) => {
    const { from, to } = req.query
    await renderForm(clientFor, req, res, { draft: draftOf({ from, to }), problems: {} })
  }
}

/** Sends a message. Needs `express.urlencoded()` before it. */
export function sendMessage(clientFor: ClientFor): RequestHandler {
  return async (req, res) => {
    const draft = draftOf(req.body as Record<string, unknown>)
    const { to, problems } = check(draft)
    if (to === undefined) {
      res.status(422)
      await renderForm(clientFor, req, res, { draft, problems })
      return
    }
    try {
      await clientFor(req).messages.create({ from: draft.from, to, body: draft.body })
    } catch (error) {
      // A refused token or a missing permission is not about this message.
      if (error instanceof TwilioPermissionError || (isTwilioAPIError(error) && [401, 403].includes(error.status))) throw error
      log.warn({ err: error }, 'A message could not be sent')
      if (isTwilioAPIError(error) && error.status < 500) {
        res.status(422)
        await renderForm(clientFor, req, res, { draft, problems: explain(error) })
      } else {
        res.status(503).render('message-form', { draft, problems: { message: MAYBE_SENT }, senders: [{ phoneNumber: draft.from, label: formatPhoneNumber(draft.from) }], maxLength: MAX_LENGTH })
      }
      return
    }
    setNotice(req, 'success', `Your message to ${formatPhoneNumber(to)} is on its way.`)
    res.redirect(303, '/messages')
  }
}

const MAYBE_SENT = 'Twilio could not be reached, or did not answer in time. Your message may have been sent all the same: please check your messages before you try again.'

function draftOf(fields: Record<string, unknown>): Draft {
  const text = (name: keyof Draft) => (typeof fields[name] === 'string' ? fields[name].trim() : '')
  return { from: text('from'), to: text('to'), body: text('body') }
}

/** Returns the recipient's number as Twilio expects it (E.164), or what is wrong with the message. */
function check({ from, to, body }: Draft): { to: string; problems?: undefined } | { to?: undefined; problems: Problems } {
  const sender = parsePhoneNumberFromString(from)
  // A number without a country code is one of the sender's country.
  const recipient = parsePhoneNumberFromString(to, { ...(sender?.country ? { defaultCountry: sender.country } : {}), ...(sender ? { defaultCallingCode: sender.countryCallingCode } : {}) })
  const problems: Problems = {}
  if (from === '') problems.from = 'Choose the number to send from.'
  if (to === '') problems.to = 'Enter the phone number of the recipient.'
  else if (!recipient?.isPossible()) problems.to = 'This is not a complete phone number. Enter it with its country code, such as +1 202 555 0120.'
  if (body === '') problems.body = 'Write a message.'
  else if (body.length > MAX_LENGTH) problems.body = `The message is too long: it has ${body.length} characters, and ${MAX_LENGTH} are allowed.`
  return recipient && Object.keys(problems).length === 0 ? { to: recipient.number } : { problems }
}

/** Twilio's errors about a message, in terms of the form. See https://www.twilio.com/docs/api/errors */
const EXPLANATIONS: Record<number, Problems> = {
  21211: { to: 'Twilio does not know this phone number. Please check it.' },
  21408: { to: 'Your Twilio account may not send messages to this country. You can allow it in the Twilio Console, under Messaging, Geo permissions.' },
  21606: { from: 'This number cannot send messages to that recipient. Choose another one.' },
  21608: { to: 'A trial account can only send messages to numbers that are verified in the Twilio Console.' },
  21610: { to: 'This person has replied STOP to a message from your number, so Twilio does not send them any more.' },
  21612: { from: 'This number cannot send messages to that recipient. Choose another one.' },
  21614: { to: 'This is not a mobile number, so it cannot receive messages.' },
  21617: { body: 'The message is too long.' }
}

function explain({ code, message, moreInfo }: TwilioAPIError): Problems {
  return { ...(EXPLANATIONS[code ?? 0] ?? { message: `Twilio did not accept the message: ${message}` }), moreInfo }
}

async function renderForm(clientFor: ClientFor, req: Request, res: Response, { draft, problems }: { draft: Draft; problems: Problems }): Promise<void> {
  const numbers = await clientFor(req).incomingPhoneNumbers.list({ limit: LIMIT })
  const senders = numbers.filter(({ capabilities }) => capabilities.sms).map(({ friendlyName, phoneNumber }) => ({ phoneNumber, label: nameOf(friendlyName, phoneNumber) }))
  res.render('message-form', { draft, problems, senders, maxLength: MAX_LENGTH })
}

function nameOf(friendlyName: string, phoneNumber: string): string {
  const formatted = formatPhoneNumber(phoneNumber)
  return friendlyName === phoneNumber ? formatted : `${friendlyName} (${formatted})`
}
