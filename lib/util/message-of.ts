import { isObject } from './is-object'

/**
 * The message of anything that code of others has thrown, such as an error of another realm, which is no `instanceof Error` here.
 * Node's errors for several addresses, and some drivers' errors, have no message of their own.
 */
export function messageOf(error: unknown): string {
  if (typeof error === 'string' || typeof error === 'number') return String(error)
  if (!isObject(error)) return 'unknown error'
  const { message, errors, code } = error
  if (typeof message === 'string' && message !== '') return message
  if (Array.isArray(errors) && errors.length > 0) return errors.map(messageOf).join(', ')
  if (typeof code === 'string') return code
  return error instanceof Error ? error.constructor.name : 'unknown error'
}

export function asSentence(message: string): string {
  return message.endsWith('.') ? message : `${message}.`
}
