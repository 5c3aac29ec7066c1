/** The message of anything that code of others has thrown. Node's errors for several addresses, and some drivers' errors, have none of their own. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : 'unknown error'
  if (error.message !== '') return error.message
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join(', ')
  return 'code' in error && typeof error.code === 'string' ? error.code : error.constructor.name
}

export function asSentence(message: string): string {
  return message.endsWith('.') ? message : `${message}.`
}
