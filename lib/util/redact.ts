const MAX_LENGTH = 300
/** Shorter values occur by chance: hiding a code `c` would hide every "c" of a message. */
const MIN_SECRET_LENGTH = 8

/** Makes external text safe for an error message: a single line of limited length, without the given secrets. */
export function redact(text: string, secrets: readonly (string | undefined)[]): string {
  let safe = printable(text)
  for (const secret of writtenForms(secrets)) safe = safe.replace(anyCase(secret), '[hidden]')
  return safe.length > MAX_LENGTH ? `${safe.slice(0, MAX_LENGTH)}…` : safe
}

/** A URL from outside, redacted, if it is one that a page may link to. */
export function redactURL(url: string | undefined, secrets: readonly (string | undefined)[]): string | undefined {
  return url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? redact(url, secrets) : undefined
}

/** Control characters and line breaks become spaces. Format characters (zero-width, text direction), which can disguise text, are removed. */
function printable(text: string): string {
  return text.replace(/\p{Cf}/gu, '').replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
}

/** Each secret as it is, URL-encoded and form-encoded; the longest first, since one may contain another. */
function writtenForms(secrets: readonly (string | undefined)[]): string[] {
  return secrets
    .filter(isLongEnough)
    .flatMap((secret) => [printable(secret), encodeURIComponent(secret.toWellFormed()), new URLSearchParams({ '': secret }).toString().slice(1)])
    .filter(isLongEnough)
    .sort((one, other) => other.length - one.length)
}

/** Case differs between encoders: `%2f` and `%2F`. */
function anyCase(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'gi')
}

function isLongEnough(secret: string | undefined): secret is string {
  return secret !== undefined && secret.length >= MIN_SECRET_LENGTH
}
