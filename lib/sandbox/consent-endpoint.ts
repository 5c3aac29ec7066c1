import type { AuthorizationRequests } from './authorization-requests'
import { consentPage, errorPage } from './consent-page'
import type { Grants } from './grants'
import { htmlResponse, redirectResponse, type SandboxRequest, type SandboxResponse } from './http'
import { PAGE_HEADERS } from './page-layout'
import { canApprove, type SandboxPerson } from './people'

export interface ConsentOptions {
  readonly authorizationRequests: AuthorizationRequests
  readonly grants: Grants
  readonly people: readonly SandboxPerson[]
}

const NOT_PENDING = 'This request has expired, or it has already been approved or denied.'

const NOT_ALLOWED = 'Only an owner or administrator of the organization can approve this app.'

/** Shows the page on which a person signs in and approves or denies the request. */
export function showConsentPage({ query }: SandboxRequest, { authorizationRequests, people }: ConsentOptions): SandboxResponse {
  const id = query.get('request') ?? ''
  const request = authorizationRequests.find(id)
  return request ? htmlResponse(200, consentPage(request, id, people), PAGE_HEADERS) : errorPageResponse(NOT_PENDING)
}

/** Redirects back to the app with a code, or with `access_denied` (RFC 6749 §4.1.2). */
export function submitConsent({ form }: SandboxRequest, { authorizationRequests, grants, people }: ConsentOptions): SandboxResponse {
  const decision = form?.get('decision')
  const person = decision === 'approve' ? people.find(({ userSid }) => userSid === form?.get('person')) : undefined
  if (!person && decision !== 'deny') return errorPageResponse('The form is incomplete.')
  const id = form?.get('request') ?? ''
  const pending = authorizationRequests.find(id)
  // The request stays pending, for somebody who can approve it.
  if (pending?.app.owner === 'organization' && person && !canApprove(person)) return errorPageResponse(NOT_ALLOWED)
  const request = authorizationRequests.take(id)
  if (!request) return errorPageResponse(NOT_PENDING)
  const result = person ? { code: grants.issueCode(request, person) } : { error: 'access_denied', error_description: 'The user denied access.' }
  return redirectResponse(withParameters(request.redirectURI, { ...result, state: request.state }))
}

function errorPageResponse(message: string): SandboxResponse {
  return htmlResponse(400, errorPage(message), PAGE_HEADERS)
}

function withParameters(uri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(uri)
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url.href
}
