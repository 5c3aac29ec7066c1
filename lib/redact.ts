const LONGEST_TEXT = 300

/** Text from outside, fit for an error message: on one line, not too long, and without the secrets that were sent. */
export function redact(text: string, secrets: readonly (string | undefined)[]): string {
  let safe = text
  for (const secret of secrets) {
    if (secret) safe = safe.replaceAll(secret, '[hidden]')
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  safe = safe.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
  return safe.length > LONGEST_TEXT ? `${safe.slice(0, LONGEST_TEXT)}…` : safe
}

/** An address from outside, if it is one that a page may link to. */
export function redactURL(url: string | undefined, secrets: readonly (string | undefined)[]): string | undefined {
  return url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? redact(url, secrets) : undefined
}
