import { isObject } from '../util/is-object'
import { html } from './html'
import { htmlResponse, type SandboxRequest, type SandboxResponse } from './http'
import { PAGE_HEADERS, pageLayout } from './page-layout'
import type { LoggedRequest } from './request-log'

/** Why a request is refused, if it is. */
export function reasonIn({ status, headers, body }: SandboxResponse): string | undefined {
  if (status < 400 || !/^application\/(?:problem\+)?json\b/.test(headers['Content-Type'] ?? '')) return undefined
  const error = parse(body)
  // Twilio's own format, or problem details (RFC 9457).
  const reason = isObject(error) ? (error.message ?? error.detail) : undefined
  return typeof reason === 'string' ? reason : undefined
}

/** A fault may say that it is JSON, and not be. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** A page instead of the JSON of an error, for people in front of a browser. API clients, which don't ask for HTML, get the JSON. */
export function forBrowser({ accept = '' }: SandboxRequest, logged: LoggedRequest, content: SandboxResponse): SandboxResponse {
  const reason = reasonIn(content)
  if (reason === undefined || !accept.includes('text/html')) return content
  const { method, path, parameters } = logged
  const sent = Object.entries(parameters).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)
  const page = pageLayout(
    'This request was refused',
    html`<h1>This request was refused</h1>
<p>${reason}</p>
<h2>${method} ${path}</h2>
${sent.length > 0 ? html`<dl>${sent}</dl>` : html`<p>It has no parameters.</p>`}
<footer>This is a local sandbox, not Twilio. API clients get this error as JSON, with status ${String(content.status)}.</footer>`
  )
  return htmlResponse(content.status, page, PAGE_HEADERS)
}
