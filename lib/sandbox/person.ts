import type { SandboxPerson } from './people'

/** What the person does at the sandbox's page. */
export interface SandboxLoginOptions {
  /** The e-mail address or the name of who signs in. Default: the first of the people. */
  readonly as?: string | undefined
  /** Deny instead of approving. Default: `false`. */
  readonly deny?: boolean | undefined
}

/** The sandbox that the person goes to. */
interface Destination {
  readonly url: string
  readonly people: readonly SandboxPerson[]
}

/**
 * Does what a person does in the browser: goes where the app sends them, signs in, and approves or denies.
 *
 * @returns the address that the browser is sent back to
 * @throws {TypeError} for an address that is not of this sandbox
 * @throws {Error} with what the page says, when it can be neither approved nor denied
 */
export async function logInAt(authorizeURL: string, { as, deny = false }: SandboxLoginOptions, { url: sandboxURL, people }: Destination): Promise<string> {
  checkAddress(authorizeURL, sandboxURL)
  const person = as === undefined ? people[0] : people.find(({ email, name }) => email === as || name === as)
  if (!person) throw new Error(`Nobody at the sandbox is called ${as ?? 'anything'}. There are: ${people.map(({ email }) => email).join(', ')}.`)
  const { url, body: page } = await open(authorizeURL)
  const form = new URLSearchParams({ request: requestIn(page), person: person.userSid, decision: deny ? 'deny' : 'approve' })
  const decided = await fetch(new URL('/authorize', url), { method: 'POST', body: form, redirect: 'manual' })
  const callbackURL = decided.headers.get('location')
  if (callbackURL === null) throw new Error(`The sandbox did not send the browser back: ${textOf(await decided.text())}`)
  return callbackURL
}

function checkAddress(given: unknown, sandboxURL: string): void {
  const address = String(given)
  // An app may know this machine by its other name.
  if (address.replace(/^http:\/\/localhost(?=:)/, 'http://127.0.0.1').startsWith(`${sandboxURL}/`)) return
  // A query may hold a code.
  const withoutQuery = address.replace(/[?#].*/s, '')
  throw new TypeError(`login() takes the address that the app sends the browser to (its Location header), which begins with ${sandboxURL}/, not ${withoutQuery}. Is the app's baseURL the sandbox's url?`)
}

/** The page at an address, after the API's way of redirecting. */
async function open(url: string): Promise<{ url: string; body: string }> {
  const response = await fetch(url, { redirect: 'manual' })
  const body = await response.text()
  if (response.status === 302) return open(redirectTo(body) ?? response.headers.get('location') ?? '')
  if (!response.ok) throw new Error(`The sandbox answered ${response.status}: ${textOf(body)}`)
  return { url, body }
}

function redirectTo(body: string): string | undefined {
  return body === '' ? undefined : (JSON.parse(body) as { redirect_to: string }).redirect_to
}

function requestIn(page: string): string {
  return /name="request" value="([^"]+)"/.exec(page)?.[1] ?? ''
}

/** What a page, or a Twilio error, says to people. */
function textOf(body: string): string {
  if (body.startsWith('{')) return (JSON.parse(body) as { message: string }).message
  const [, main = body] = /<h1>([\s\S]*)<\/main>/.exec(body) ?? []
  return main.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ').trim()
}
