import type { AuthorizationRequest } from './authorization-requests'
import { html, type HTML } from './html'
import { pageLayout } from './page-layout'
import type { SandboxPerson } from './people'

/** What each scope allows an app to do. Other scopes are shown by their name. */
const SCOPE_DESCRIPTIONS: Readonly<Record<string, string>> = {
  openid: 'Know who you are',
  profile: 'See your name',
  email: 'See your email address',
  offline_access: 'Stay connected while you are away, until you revoke access',
  'managed-users': "Manage your organization's users"
}

/** @param id the ID of the authorization request */
export function consentPage({ app, scope, redirectURI }: AuthorizationRequest, id: string, people: readonly SandboxPerson[]): HTML {
  return pageLayout(
    `${app.name} wants to use your account`,
    // The Enter key presses the first button of a form, so Approve comes first.
    html`<h1>${app.name} wants to use your Twilio account</h1>
<p>Approve access only if you trust this app. You can revoke it at any time.</p>
<h2>It will be able to</h2>
<ul>${describeScope(scope)}</ul>
<form method="post" action="/authorize">
<input type="hidden" name="request" value="${id}">
<fieldset>
<legend>Sign in as</legend>
${people.map(personChoice)}
</fieldset>
<div class="actions">
<button name="decision" value="approve">Approve access</button>
<button class="quiet" name="decision" value="deny">Deny</button>
</div>
</form>
<footer>You will be sent back to ${hostOf(redirectURI)}. This is a local sandbox, not Twilio: no real person, account or data is involved.</footer>`
  )
}

export function errorPage(message: string): HTML {
  return pageLayout(
    'This request cannot be approved',
    html`<h1>This request cannot be approved</h1>
<p>${message}</p>
<p>Go back to the app and log in again.</p>`
  )
}

function describeScope(scope: string): HTML[] {
  const names = scope.split(' ').filter((name) => name !== '')
  const descriptions = names.length === 0 ? ['Use your account for a short time'] : names.map((name) => (Object.hasOwn(SCOPE_DESCRIPTIONS, name) ? (SCOPE_DESCRIPTIONS[name] ?? name) : name))
  return descriptions.map((description) => html`<li>${description}</li>`)
}

function personChoice({ name, email, accountName, userSid, role = 'owner' }: SandboxPerson, index: number): HTML {
  const checked = index === 0 ? html` checked` : html``
  return html`<label><input type="radio" name="person" value="${userSid}"${checked}>${name}, ${role}<small>${email} · ${accountName}</small></label>`
}

function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).host : uri
}
