import { accountsOf, type SandboxAccount } from './accounts'
import { pageResponse } from './api-paging'
import { accountResource, messageResource, phoneNumberResource, type Resource } from './api-resources'
import type { AccessTokenHolder, Grants } from './grants'
import { handleMethod, jsonResponse, type Methods, type SandboxRequest, type SandboxResponse } from './http'
import { organizationResources, ORGANIZATION_PREFIXES } from './organization-api'
import type { SandboxPerson } from './people'
import { requirePermission, type SandboxPermission } from './permissions'
import { SandboxError } from './sandbox-error'

const API_PREFIX = '/2010-04-01/'
/** The paths of the API begin with one of these. */
const PREFIXES = [API_PREFIX, ...ORGANIZATION_PREFIXES]

const SAMPLE_NUMBERS = ['Front desk', 'Support', 'Deliveries']
const SAMPLE_MESSAGES = ['Your parcel is at the door.', 'See you on Thursday at nine.', 'Thank you! Your order is on its way.', 'The café opens late today. Sorry for the wait.']

export function isAPIPath(path: string): boolean {
  return PREFIXES.some((prefix) => path.startsWith(prefix))
}

/** An operation of the API, and the permission that it needs. */
export interface Operation {
  readonly permission: SandboxPermission
  readonly handle: (request: SandboxRequest) => SandboxResponse
}

/** Operations by path and method. */
export type Operations = Readonly<Record<string, Readonly<Record<string, Operation>>>>

/**
 * A few resources of api.twilio.com: the accounts that a token reaches, their phone numbers and messages. And, for an
 * organization's token, the accounts and users of the organization.
 */
export class SandboxAPI {
  readonly #url: string
  readonly #grants: Grants
  readonly #people: readonly SandboxPerson[]
  readonly #numbers = new Map<string, Resource[]>()
  readonly #messages = new Map<string, Resource[]>()

  /** @param url the origin of the sandbox */
  constructor(url: string, grants: Grants, people: readonly SandboxPerson[]) {
    this.#url = url
    this.#grants = grants
    this.#people = people
  }

  /** @throws {SandboxError} `invalid_token`, `missing_permission`, `not_found`, `method_not_allowed`, or `invalid_request` for an incomplete message */
  handle(request: SandboxRequest): SandboxResponse {
    const holder = this.#authenticate(request.authorization)
    const operations = this.#operationsOf(holder)
    const methods = Object.hasOwn(operations, request.path) ? operations[request.path] : undefined
    if (!methods) throw new SandboxError('not_found', `The requested resource ${request.path} was not found.`)
    return handleMethod(withPermissions(methods, holder), request)
  }

  /** What the holder of a token can call. */
  #operationsOf(holder: AccessTokenHolder): Operations {
    const accounts = this.#accountsOf(holder)
    return {
      [`${API_PREFIX}Accounts.json`]: { GET: { permission: 'twilio/iam/accounts/list', handle: (request) => pageResponse(request, 'accounts', accounts.map(accountResource)) } },
      ...Object.fromEntries(accounts.flatMap((account) => Object.entries(this.#operationsIn(account)))),
      ...organizationResources(this.#url, holder, accounts, this.#people)
    }
  }

  #operationsIn(account: SandboxAccount): Operations {
    const path = `${API_PREFIX}Accounts/${account.accountSid}`
    return {
      [`${path}.json`]: { GET: { permission: 'twilio/iam/accounts/read', handle: () => jsonResponse(200, accountResource(account)) } },
      [`${path}/IncomingPhoneNumbers.json`]: {
        GET: { permission: 'twilio/numbers/incoming-phone-numbers/list', handle: (request) => pageResponse(request, 'incoming_phone_numbers', this.#numbersOf(account)) }
      },
      [`${path}/Messages.json`]: {
        GET: { permission: 'twilio/messaging/messages/list', handle: (request) => pageResponse(request, 'messages', this.#messagesOf(account)) },
        POST: { permission: 'twilio/messaging/messages/create', handle: (request) => jsonResponse(201, this.#sendMessage(account, request)) }
      }
    }
  }

  #authenticate(authorization = ''): AccessTokenHolder {
    const holder = this.#grants.holderOf(/^Bearer (.+)$/.exec(authorization)?.[1])
    if (!holder) throw new SandboxError('invalid_token', 'Authenticate: the access token is missing, invalid, expired or revoked.')
    return holder
  }

  #accountsOf({ app, accountSid }: AccessTokenHolder): readonly SandboxAccount[] {
    if (accountSid === undefined) return accountsOf(app, this.#people)
    return accountsOf({ ...app, owner: 'account', accountSid }, this.#people)
  }

  #numbersOf(account: SandboxAccount): Resource[] {
    return getOrCreate(this.#numbers, account.accountSid, () => SAMPLE_NUMBERS.map((name, index) => phoneNumberResource(account, name, index)))
  }

  #messagesOf(account: SandboxAccount): Resource[] {
    return getOrCreate(this.#messages, account.accountSid, () =>
      SAMPLE_MESSAGES.map((body, index) => messageResource(account, { to: `+1202555012${index}`, from: '+12025550110', body, minutesAgo: 7 + 53 * index }))
    )
  }

  #sendMessage(account: SandboxAccount, { form }: SandboxRequest): Resource {
    const [to, from, body] = ['To', 'From', 'Body'].map((name) => form?.get(name))
    if (!to || !from || !body) throw new SandboxError('invalid_request', 'To, From and Body are required.')
    const message = messageResource(account, { to, from, body, minutesAgo: 0 })
    this.#messagesOf(account).unshift(message)
    return message
  }
}

function withPermissions(operations: Readonly<Record<string, Operation>>, { app }: AccessTokenHolder): Methods {
  return Object.fromEntries(
    Object.entries(operations).map(([method, { permission, handle }]) => [
      method,
      (request: SandboxRequest) => {
        requirePermission(app, permission)
        return handle(request)
      }
    ])
  )
}

function getOrCreate(lists: Map<string, Resource[]>, accountSid: string, create: () => Resource[]): Resource[] {
  const list = lists.get(accountSid) ?? create()
  lists.set(accountSid, list)
  return list
}
