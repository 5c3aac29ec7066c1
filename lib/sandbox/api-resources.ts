import type { SandboxAccount } from './accounts'
import { newSID } from './sid'

/** A resource of Twilio's API, as JSON. */
export type Resource = Readonly<Record<string, unknown>>

const API_VERSION = '2010-04-01'

export function accountResource({ accountSid, accountName }: SandboxAccount): Resource {
  return {
    sid: accountSid,
    friendly_name: accountName,
    status: 'active',
    type: 'Full',
    auth_token: null,
    owner_account_sid: accountSid,
    date_created: formatDate(500_000),
    date_updated: formatDate(1000),
    uri: `/${API_VERSION}/Accounts/${accountSid}.json`,
    subresource_uris: {}
  }
}

export function phoneNumberResource({ accountSid }: SandboxAccount, name: string, index: number): Resource {
  const sid = newSID('PN')
  return {
    sid,
    account_sid: accountSid,
    friendly_name: name,
    phone_number: `+1202555011${index}`,
    capabilities: { voice: true, sms: index !== 2, mms: false, fax: false },
    status: 'in-use',
    api_version: API_VERSION,
    date_created: formatDate(200_000 + index),
    date_updated: formatDate(2000),
    uri: `/${API_VERSION}/Accounts/${accountSid}/IncomingPhoneNumbers/${sid}.json`
  }
}

export function messageResource({ accountSid }: SandboxAccount, { to, from, body, minutesAgo }: { to: string; from: string; body: string; minutesAgo: number }): Resource {
  const sid = newSID('SM')
  return {
    sid,
    account_sid: accountSid,
    to,
    from,
    body,
    status: minutesAgo === 0 ? 'queued' : 'delivered',
    direction: 'outbound-api',
    num_segments: '1',
    num_media: '0',
    price: null,
    price_unit: 'USD',
    error_code: null,
    error_message: null,
    messaging_service_sid: null,
    api_version: API_VERSION,
    date_created: formatDate(minutesAgo),
    date_sent: formatDate(minutesAgo),
    date_updated: formatDate(minutesAgo),
    uri: `/${API_VERSION}/Accounts/${accountSid}/Messages/${sid}.json`,
    subresource_uris: {}
  }
}

/** RFC 2822, as in Twilio's API: `Thu, 24 Aug 2023 05:01:45 +0000`. */
function formatDate(minutesAgo: number): string {
  return new Date(Date.now() - minutesAgo * 60_000).toUTCString().replace('GMT', '+0000')
}
