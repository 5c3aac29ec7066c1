import { decodeJWT } from '../oauth/claims'
import type { Grants } from './grants'
import { newSID, type SandboxApp, type SandboxPerson } from './people'
import { jsonReply, type Reply, type SandboxRequest } from './reply'
import { SandboxError } from './twilio-error'

/** Who calls, and in which account. */
interface Caller {
  readonly accountSid: string
  readonly accountName: string
}

type Resource = Readonly<Record<string, unknown>>

const VERSION = '2010-04-01'
const DEFAULT_PAGE_SIZE = 50

/** A few resources of api.twilio.com, behind the bearer token. */
export class SandboxAPI {
  readonly #grants: Grants
  readonly #people: readonly SandboxPerson[]
  readonly #numbers = new Map<string, Resource[]>()
  readonly #messages = new Map<string, Resource[]>()

  constructor(grants: Grants, people: readonly SandboxPerson[]) {
    this.#grants = grants
    this.#people = people
  }

  /** @throws {SandboxError} in Twilio's words */
  answer(request: SandboxRequest): Reply {
    const caller = this.#authenticate(request.authorization)
    const [, , accountSid, list] = /^\/(2010-04-01)\/Accounts(?:\/(AC\w+))?(?:\/(\w+))?\.json$/.exec(request.path) ?? []
    if (!request.path.startsWith(`/${VERSION}/Accounts`)) throw notFound(request)
    if (accountSid === undefined) return only('GET', request, () => page(request, 'accounts', [account(caller)]))
    if (accountSid !== caller.accountSid) throw notFound(request)
    if (list === undefined) return only('GET', request, () => jsonReply(200, account(caller)))
    if (list === 'IncomingPhoneNumbers') return only('GET', request, () => page(request, 'incoming_phone_numbers', this.#numbersOf(caller)))
    if (list !== 'Messages') throw notFound(request)
    if (request.method === 'POST') return jsonReply(201, this.#send(caller, request))
    return only('GET', request, () => page(request, 'messages', this.#messagesOf(caller)))
  }

  #authenticate(authorization = ''): Caller {
    const token = /^Bearer (.+)$/.exec(authorization)?.[1]
    const holder = this.#grants.holderOf(token === undefined ? undefined : decodeJWT(token)?.claims.jti)
    if (!holder) throw new SandboxError('invalid_token', 'Authenticate: the access token is missing, has ended, or was revoked.')
    return holder.person ?? this.#callerFor(holder.app)
  }

  #callerFor({ accountSid, name }: SandboxApp): Caller {
    return this.#people.find((person) => person.accountSid === accountSid) ?? { accountSid, accountName: name }
  }

  #numbersOf(caller: Caller): Resource[] {
    return known(this.#numbers, caller.accountSid, () => ['Front desk', 'Support', 'Deliveries'].map((name, index) => phoneNumber(caller, name, index)))
  }

  #messagesOf(caller: Caller): Resource[] {
    return known(this.#messages, caller.accountSid, () =>
      ['Your parcel is at the door.', 'See you on Thursday at nine.', 'Thank you! Your order is on its way.', 'The café opens late today. Sorry for the wait.'].map((body, index) =>
        message(caller, { to: `+1202555012${index}`, from: '+12025550110', body, minutesAgo: 7 + 53 * index })
      )
    )
  }

  #send(caller: Caller, { form }: SandboxRequest): Resource {
    const [to, from, body] = ['To', 'From', 'Body'].map((name) => form?.get(name))
    if (!to || !from || !body) throw new SandboxError('invalid_request', 'To, From and Body are required.')
    const sent = message(caller, { to, from, body, minutesAgo: 0 })
    this.#messagesOf(caller).unshift(sent)
    return sent
  }
}

function known(lists: Map<string, Resource[]>, accountSid: string, make: () => Resource[]): Resource[] {
  const list = lists.get(accountSid) ?? make()
  lists.set(accountSid, list)
  return list
}

function only(method: string, request: SandboxRequest, answer: () => Reply): Reply {
  if (request.method !== method) throw new SandboxError('method_not_allowed', `${request.method} is not allowed here.`)
  return answer()
}

function notFound({ path }: SandboxRequest): SandboxError {
  return new SandboxError('not_found', `The requested resource ${path} was not found.`)
}

/** Twilio's paging of version 2010-04-01. */
function page({ path, query }: SandboxRequest, name: string, all: readonly Resource[]): Reply {
  const size = Math.max(1, Math.min(1000, Number(query.get('PageSize') ?? DEFAULT_PAGE_SIZE) || DEFAULT_PAGE_SIZE))
  const number = Math.max(0, Number(query.get('Page') ?? 0) || 0)
  const start = number * size
  const uriOf = (page: number) => `${path}?PageSize=${size}&Page=${page}`
  return jsonReply(200, {
    [name]: all.slice(start, start + size),
    first_page_uri: uriOf(0),
    next_page_uri: start + size < all.length ? uriOf(number + 1) : null,
    previous_page_uri: number > 0 ? uriOf(number - 1) : null,
    page: number,
    page_size: size,
    start,
    end: Math.max(start, Math.min(start + size, all.length) - 1),
    uri: uriOf(number)
  })
}

function rfc2822(minutesAgo = 0): string {
  return new Date(Date.now() - minutesAgo * 60_000).toUTCString().replace('GMT', '+0000')
}

function account({ accountSid, accountName }: Caller): Resource {
  return {
    sid: accountSid,
    friendly_name: accountName,
    status: 'active',
    type: 'Full',
    auth_token: null,
    owner_account_sid: accountSid,
    date_created: rfc2822(500_000),
    date_updated: rfc2822(1000),
    uri: `/${VERSION}/Accounts/${accountSid}.json`,
    subresource_uris: {}
  }
}

function phoneNumber({ accountSid }: Caller, name: string, index: number): Resource {
  const sid = newSID('PN')
  return {
    sid,
    account_sid: accountSid,
    friendly_name: name,
    phone_number: `+1202555011${index}`,
    capabilities: { voice: true, sms: index !== 2, mms: false, fax: false },
    status: 'in-use',
    api_version: VERSION,
    date_created: rfc2822(200_000 + index),
    date_updated: rfc2822(2000),
    uri: `/${VERSION}/Accounts/${accountSid}/IncomingPhoneNumbers/${sid}.json`
  }
}

function message({ accountSid }: Caller, { to, from, body, minutesAgo }: { to: string; from: string; body: string; minutesAgo: number }): Resource {
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
    api_version: VERSION,
    date_created: rfc2822(minutesAgo),
    date_sent: rfc2822(minutesAgo),
    date_updated: rfc2822(minutesAgo),
    uri: `/${VERSION}/Accounts/${accountSid}/Messages/${sid}.json`,
    subresource_uris: {}
  }
}
