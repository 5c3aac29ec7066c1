import { consentPage, errorPage, PAGE_HEADERS } from './consent-page'
import type { Grants } from './grants'
import type { SandboxPerson } from './people'
import { htmlReply, redirectReply, type Reply, type SandboxRequest } from './reply'

export interface ConsentOptions {
  readonly grants: Grants
  readonly people: readonly SandboxPerson[]
}

const FORGOTTEN = 'The app asked for this a while ago, or it has been decided on already.'

/** The page on which a person signs in, and approves or denies. */
export function showConsent({ query }: SandboxRequest, { grants, people }: ConsentOptions): Reply {
  const id = query.get('request') ?? ''
  const request = grants.asked(id)
  return request ? htmlReply(200, consentPage(request, id, people), PAGE_HEADERS) : refuse(FORGOTTEN)
}

/** What the person decided, for the app (RFC 6749 §4.1.2). */
export function decideConsent({ form }: SandboxRequest, { grants, people }: ConsentOptions): Reply {
  const person = people.find(({ userSid }) => userSid === form?.get('person'))
  const decision = form?.get('decision')
  if (decision !== 'deny' && !(decision === 'approve' && person)) return refuse('The form came back incomplete.')
  const request = grants.decide(form?.get('request') ?? '')
  if (!request) return refuse(FORGOTTEN)
  const answer =
    decision === 'approve' && person ? { code: grants.approve(request, person) } : { error: 'access_denied', error_description: 'The person did not approve the access.' }
  return redirectReply(withParameters(request.redirectURI, { ...answer, state: request.state }))
}

function refuse(message: string): Reply {
  return htmlReply(400, errorPage(message), PAGE_HEADERS)
}

function withParameters(address: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(address)
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url.href
}
