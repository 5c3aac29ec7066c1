import { optionError, sandboxFailure } from '../errors'
import type { SandboxPerson } from './people'

/** Options for {@link Sandbox.login}. */
export interface SandboxLoginOptions {
  /** Who signs in: a person's email address or name. Default: the first person. */
  readonly as?: string | undefined
  /** Whether to deny access instead of approving it. Default: `false`. */
  readonly deny?: boolean | undefined
}

interface SandboxAddress {
  readonly url: string
  readonly people: readonly SandboxPerson[]
}

/** Does what a person does in the browser. See {@link Sandbox.login}. */
export async function logIn(authorizeURL: string, { as, deny = false }: SandboxLoginOptions, { url: sandboxURL, people }: SandboxAddress): Promise<string> {
  checkAuthorizeURL(authorizeURL, sandboxURL)
  const person = findPerson(as, people)
  const page = await fetchConsentPage(authorizeURL)
  const form = new URLSearchParams({ request: requestIDIn(page.body), person: person.userSid, decision: deny ? 'deny' : 'approve' })
  const response = await fetch(new URL('/authorize', page.url), { method: 'POST', body: form, redirect: 'manual' })
  const callbackURL = response.headers.get('location')
  if (callbackURL === null) throw sandboxFailure(`The sandbox did not redirect back to the app: ${textOf(await response.text())}`)
  return callbackURL
}

function checkAuthorizeURL(authorizeURL: unknown, sandboxURL: string): void {
  const given = String(authorizeURL)
  const normalized = given.replace(/^http:\/\/localhost(?=:)/, 'http://127.0.0.1')
  if (normalized.startsWith(`${sandboxURL}/`)) return
  // The query can contain a code.
  const withoutQuery = given.replace(/[?#].*/s, '')
  throw optionError(`login() takes the URL that the app redirects the browser to (its Location header). It must start with ${sandboxURL}/, but is ${withoutQuery}. Check that the app's baseURL is the sandbox's url.`)
}

function findPerson(emailOrName: string | undefined, people: readonly SandboxPerson[]): SandboxPerson {
  const person = emailOrName === undefined ? people[0] : people.find(({ email, name }) => email === emailOrName || name === emailOrName)
  if (!person) throw optionError(`No person in the sandbox has the name or email address ${emailOrName ?? ''}. Choose one of: ${people.map(({ email }) => email).join(', ')}.`)
  return person
}

/** Follows redirects, which the sandbox may send in the body only. */
async function fetchConsentPage(url: string): Promise<{ url: string; body: string }> {
  const response = await fetch(url, { redirect: 'manual' })
  const body = await response.text()
  if (response.status === 302) return fetchConsentPage(redirectTo(body) ?? response.headers.get('location') ?? '')
  if (!response.ok) throw sandboxFailure(`The sandbox responded with status ${response.status}: ${textOf(body)}`)
  return { url, body }
}

function redirectTo(body: string): string | undefined {
  return body === '' ? undefined : (JSON.parse(body) as { redirect_to: string }).redirect_to
}

function requestIDIn(page: string): string {
  return /name="request" value="([^"]+)"/.exec(page)?.[1] ?? ''
}

/** The message of a Twilio error, or the visible text of a page. */
function textOf(body: string): string {
  if (body.startsWith('{')) return (JSON.parse(body) as { message: string }).message
  const [, main = body] = /<h1>([\s\S]*)<\/main>/.exec(body) ?? []
  return main.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ').trim()
}
