const MAX_LENGTH = 300
/** Shorter values occur by chance: hiding a code `c` would hide every "c" of a message. */
const MIN_SECRET_LENGTH = 8
const HIDDEN = '[hidden]'
/** A longer text is left out: no message is that long, and it would take seconds to search it for long secrets. */
const MAX_TEXT_LENGTH = 4096
const ELLIPSIS = '…'

/**
 * Makes external text safe for an error message: a single line of limited length.
 *
 * @param secrets what the text may repeat. If there are any, everything that looks like a token is hidden as well: it may be one of
 * them in another encoding, or somebody else's.
 */
export function redact(text: string, secrets: readonly (string | undefined)[]): string {
  if (text.length > MAX_TEXT_LENGTH) return ELLIPSIS
  const known = secrets.filter(isLongEnough)
  let safe = printable(text)
  for (const secret of writtenForms(known)) safe = safe.replace(anyCase(secret), HIDDEN)
  if (known.length > 0) safe = safe.replace(/\S+/g, (word) => (isPlain(word) ? word : HIDDEN))
  return safe.length > MAX_LENGTH ? safe.slice(0, MAX_LENGTH) + ELLIPSIS : safe
}

/** A URL from outside, redacted, if it is one that a page may link to. */
export function redactURL(url: string | undefined, secrets: readonly (string | undefined)[]): string | undefined {
  if (url === undefined) return undefined
  const safe = redact(url, secrets)
  return isWebURL(safe) ? safe : undefined
}

function isWebURL(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

/** Control characters and line breaks become spaces. Format characters (zero-width, text direction), which can disguise text, are removed. */
function printable(text: string): string {
  return text.replace(/\p{Cf}/gu, '').replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
}

/** Each secret as it is, URL-encoded and form-encoded; the longest first, since one may contain another. */
function writtenForms(secrets: readonly string[]): string[] {
  return secrets
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

/** `%2F`, `\u002f`, `\"`, `&#47;` */
const ESCAPE = /%[\da-f]{2}|\\|&#?\w+;/i

/** A long part of a plain word: letters, a name such as `RedirectUri`, `ClientID` or `OAuthApp`, or a SID. Base64 and hex mix digits and capitals at random. */
const PLAIN_PART = /^(?:(?:OAuth|[A-Z]?[a-z]+)(?:[A-Z][a-z]+)*(?:ID|SID|URI|URL)?s?|[A-Z]+|[A-Z]{2}[\da-f]{32})$/

function isPlain(word: string): boolean {
  if (word.length < MIN_SECRET_LENGTH) return true
  return !ESCAPE.test(word) && word.split(/[^A-Za-z\d]/).every((part) => part.length < MIN_SECRET_LENGTH || PLAIN_PART.test(part))
}
