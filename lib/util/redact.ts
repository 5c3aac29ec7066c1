const LONGEST_TEXT = 300

/** Text from outside, fit for an error message: on one line, not too long, and without the secrets that were sent. */
export function redact(text: string, secrets: readonly (string | undefined)[]): string {
  let safe = onOneLine(text)
  for (const secret of writtenForms(secrets)) safe = safe.replaceAll(secret, '[hidden]')
  return safe.length > LONGEST_TEXT ? `${safe.slice(0, LONGEST_TEXT)}…` : safe
}

function onOneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
}

/** Secrets as they are, and as they were sent; the longest first, since one may begin with another. */
function writtenForms(secrets: readonly (string | undefined)[]): string[] {
  const forms = secrets.flatMap((secret = '') => [onOneLine(secret), encodeURIComponent(secret.toWellFormed())])
  return forms.filter((form) => form !== '').sort((one, other) => other.length - one.length)
}

/** An address from outside, if it is one that a page may link to. */
export function redactURL(url: string | undefined, secrets: readonly (string | undefined)[]): string | undefined {
  return url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? redact(url, secrets) : undefined
}
