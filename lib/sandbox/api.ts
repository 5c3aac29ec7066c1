import { pageResponse } from './api-paging'
import { accountResource, messageResource, phoneNumberResource, type AccountInfo, type Resource } from './api-resources'
import type { Grants } from './grants'
import { handleMethod, jsonResponse, type Methods, type SandboxRequest, type SandboxResponse } from './http'
import type { SandboxPerson } from './people'
import { SandboxError } from './sandbox-error'

/** The paths of the API begin with this. */
export const API_PREFIX = '/2010-04-01/'

const SAMPLE_NUMBERS = ['Front desk', 'Support', 'Deliveries']
const SAMPLE_MESSAGES = ['Your parcel is at the door.', 'See you on Thursday at nine.', 'Thank you! Your order is on its way.', 'The café opens late today. Sorry for the wait.']

/** A few resources of api.twilio.com: the account of the access token, its phone numbers and its messages. */
export class SandboxAPI {
  readonly #grants: Grants
  readonly #people: readonly SandboxPerson[]
  readonly #numbers = new Map<string, Resource[]>()
  readonly #messages = new Map<string, Resource[]>()

  constructor(grants: Grants, people: readonly SandboxPerson[]) {
    this.#grants = grants
    this.#people = people
  }

  /** @throws {SandboxError} `invalid_token`, `not_found`, `method_not_allowed`, or `invalid_request` for an incomplete message */
  handle(request: SandboxRequest): SandboxResponse {
    const account = this.#authenticate(request.authorization)
    const resources = this.#resourcesOf(account)
    const methods = Object.hasOwn(resources, request.path) ? resources[request.path] : undefined
    if (!methods) throw new SandboxError('not_found', `The requested resource ${request.path} was not found.`)
    return handleMethod(methods, request)
  }

  /** What an account can call, by path. */
  #resourcesOf(account: AccountInfo): Readonly<Record<string, Methods>> {
    const accounts = `${API_PREFIX}Accounts`
    const own = `${accounts}/${account.accountSid}`
    return {
      [`${accounts}.json`]: { GET: (request) => pageResponse(request, 'accounts', [accountResource(account)]) },
      [`${own}.json`]: { GET: () => jsonResponse(200, accountResource(account)) },
      [`${own}/IncomingPhoneNumbers.json`]: { GET: (request) => pageResponse(request, 'incoming_phone_numbers', this.#numbersOf(account)) },
      [`${own}/Messages.json`]: {
        GET: (request) => pageResponse(request, 'messages', this.#messagesOf(account)),
        POST: (request) => jsonResponse(201, this.#sendMessage(account, request))
      }
    }
  }

  #authenticate(authorization = ''): AccountInfo {
    const holder = this.#grants.holderOf(/^Bearer (.+)$/.exec(authorization)?.[1])
    if (!holder) throw new SandboxError('invalid_token', 'Authenticate: the access token is missing, invalid, expired or revoked.')
    const { app, person } = holder
    return person ?? this.#people.find(({ accountSid }) => accountSid === app.accountSid) ?? { accountSid: app.accountSid, accountName: app.name }
  }

  #numbersOf(account: AccountInfo): Resource[] {
    return getOrCreate(this.#numbers, account.accountSid, () => SAMPLE_NUMBERS.map((name, index) => phoneNumberResource(account, name, index)))
  }

  #messagesOf(account: AccountInfo): Resource[] {
    return getOrCreate(this.#messages, account.accountSid, () =>
      SAMPLE_MESSAGES.map((body, index) => messageResource(account, { to: `+1202555012${index}`, from: '+12025550110', body, minutesAgo: 7 + 53 * index }))
    )
  }

  #sendMessage(account: AccountInfo, { form }: SandboxRequest): Resource {
    const [to, from, body] = ['To', 'From', 'Body'].map((name) => form?.get(name))
    if (!to || !from || !body) throw new SandboxError('invalid_request', 'To, From and Body are required.')
    const message = messageResource(account, { to, from, body, minutesAgo: 0 })
    this.#messagesOf(account).unshift(message)
    return message
  }
}

function getOrCreate(lists: Map<string, Resource[]>, accountSid: string, create: () => Resource[]): Resource[] {
  const list = lists.get(accountSid) ?? create()
  lists.set(accountSid, list)
  return list
}
