import type { SandboxAccount } from './accounts'
import type { Operation, Operations } from './api'
import type { Resource } from './api-resources'
import type { AccessTokenHolder } from './grants'
import { jsonResponse, type SandboxRequest, type SandboxResponse } from './http'
import { ORGANIZATION_SID, type SandboxPerson } from './people'
import { SandboxError } from './sandbox-error'

const ORGANIZATIONS = '/Organizations/'
const SCIM = '/scim/v2/'

/** The organization's resources are at preview-iam.twilio.com and at iam.twilio.com. In the sandbox, all hosts are one. */
export const ORGANIZATION_PREFIXES = [ORGANIZATIONS, SCIM]

const SCIM_USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const SCIM_LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
const DEFAULT_PAGE_SIZE = 50
const MAX_PAGE_SIZE = 100
const CREATED = '2024-01-15T10:30:00Z'

/**
 * The accounts of an organization, and its users (SCIM 2.0, RFC 7644).
 *
 * @param url the origin of the sandbox
 */
export function organizationResources(url: string, holder: AccessTokenHolder, accounts: readonly SandboxAccount[], people: readonly SandboxPerson[]): Operations {
  const organization = `${ORGANIZATIONS}${ORGANIZATION_SID}`
  const ownerSid = people[0]?.userSid
  const list = (): Readonly<Record<string, Operation>> => ({
    GET: forOrganizations(holder, { permission: 'twilio/iam/managed-users/list', handle: (request) => userListResponse(request, people) })
  })
  const resources: [string, Readonly<Record<string, Operation>>][] = [
    [
      `${organization}/Accounts`,
      { GET: forOrganizations(holder, { permission: 'twilio/iam/organization-accounts/list', handle: (request) => accountPageResponse(url, request, accounts.map((account) => organizationAccount(account, ownerSid))) }) }
    ],
    ...accounts.map((account): [string, Readonly<Record<string, Operation>>] => [
      `${organization}/Accounts/${account.accountSid}`,
      { GET: forOrganizations(holder, { permission: 'twilio/iam/organization-accounts/read', handle: () => jsonResponse(200, organizationAccount(account, ownerSid)) }) }
    ]),
    ...[`${organization}/scim/`, SCIM].flatMap((scim) => [
      [`${scim}Users`, list()] as [string, Readonly<Record<string, Operation>>],
      ...people.map((person): [string, Readonly<Record<string, Operation>>] => [
        `${scim}Users/${person.userSid}`,
        { GET: forOrganizations(holder, { permission: 'twilio/iam/managed-users/read', handle: () => jsonResponse(200, scimUser(person)) }) }
      ])
    ])
  ]
  return Object.fromEntries(resources)
}

/** An account's token is refused, as Twilio documents it: 403 with the code 20003. */
function forOrganizations({ accountSid }: AccessTokenHolder, { permission, handle }: Operation): Operation {
  return {
    permission,
    handle: (request) => {
      if (accountSid !== undefined) throw new SandboxError('forbidden', 'The access token does not act for the organization.')
      return handle(request)
    }
  }
}

function organizationAccount({ accountSid, accountName }: SandboxAccount, ownerSid: string | undefined): Resource {
  return { account_sid: accountSid, friendly_name: accountName, status: 'active', owner_sid: ownerSid, date_created: CREATED }
}

/** A page in the format of Twilio's newer APIs. The query's `PageToken` selects the page. */
function accountPageResponse(url: string, { path, query }: SandboxRequest, accounts: readonly Resource[]): SandboxResponse {
  const size = Math.max(1, Math.min(MAX_PAGE_SIZE, Number(query.get('PageSize') ?? DEFAULT_PAGE_SIZE) || DEFAULT_PAGE_SIZE))
  const page = Math.max(0, Number(query.get('PageToken') ?? query.get('Page') ?? 0) || 0)
  const urlOf = (number: number) => `${url}${path}?PageSize=${size}&Page=${number}&PageToken=${number}`
  const end = (page + 1) * size
  return jsonResponse(200, {
    content: accounts.slice(page * size, end),
    meta: {
      key: 'content',
      page,
      page_size: size,
      url: urlOf(page),
      first_page_url: urlOf(0),
      next_page_url: end < accounts.length ? urlOf(page + 1) : null,
      previous_page_url: page > 0 ? urlOf(page - 1) : null
    }
  })
}

/** RFC 7644 §3.4.2. A filter finds one user by their user name. */
function userListResponse({ query }: SandboxRequest, people: readonly SandboxPerson[]): SandboxResponse {
  const filter = query.get('filter')
  const [, userName] = /^userName eq "([^"]*)"$/i.exec(filter ?? '') ?? []
  if (filter !== null && userName === undefined) throw new SandboxError('invalid_request', 'The filter must be userName eq "…".')
  const found = userName === undefined ? people : people.filter(({ email }) => email === userName)
  // The SDK treats the first array of a list as the resources.
  return jsonResponse(200, { Resources: found.map(scimUser), schemas: [SCIM_LIST], totalResults: found.length, startIndex: 1, itemsPerPage: found.length })
}

/** RFC 7643 §4.1. */
function scimUser({ userSid, email, name, givenName, familyName }: SandboxPerson): Resource {
  return {
    id: userSid,
    userName: email,
    displayName: name,
    name: { givenName, familyName },
    emails: [{ primary: true, value: email, type: 'work' }],
    active: true,
    schemas: [SCIM_USER],
    meta: { resourceType: 'User', created: CREATED, lastModified: CREATED, version: 'W/"1"' }
  }
}
