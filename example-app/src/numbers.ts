import type { RequestHandler } from 'express'
import { formatPhoneNumber } from './format.ts'
import type { ClientFor } from './twilio-api.ts'

const LIMIT = 50
const CAPABILITIES: Record<string, string> = { voice: 'Calls', sms: 'Texts', mms: 'Pictures', fax: 'Fax' }

/** The page with the account's phone numbers. */
export function numbersPage(clientFor: ClientFor): RequestHandler {
  return async (req, res) => {
    const numbers = await clientFor(req).incomingPhoneNumbers.list({ limit: LIMIT })
    res.render('numbers', {
      limit: LIMIT,
      numbers: numbers.map(({ friendlyName, phoneNumber, capabilities }) => ({
        name: friendlyName === phoneNumber ? undefined : friendlyName,
        phoneNumber,
        formatted: formatPhoneNumber(phoneNumber),
        capabilities: Object.entries(capabilities).flatMap(([name, isPossible]) => (isPossible ? [CAPABILITIES[name] ?? name] : [])),
        canSendMessages: capabilities.sms
      }))
    })
  }
}
