import { parsePhoneNumberFromString } from 'libphonenumber-js'

/** For reading: `+1 202 555 0110`. */
export function formatPhoneNumber(phoneNumber: string): string {
  return parsePhoneNumberFromString(phoneNumber)?.formatInternational() ?? phoneNumber
}

const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

/** A `<time>` element in UTC. In the browser, public/app.js changes it to the reader's time zone. */
export function timeElement(date: Date): string {
  return `<time datetime="${date.toISOString()}">${TIME.format(date)} UTC</time>`
}

/** For the picture beside the name: `AO` for Amara Okafor. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/)
  return (words.length > 1 ? [words[0], words.at(-1)] : words).map((word) => word?.match(/./u)?.[0].toUpperCase() ?? '').join('')
}
