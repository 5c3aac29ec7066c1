/** What a session's own methods are given to call back. */
export type Done = (error?: unknown) => void

export function isDone(value: unknown): value is Done {
  return typeof value === 'function'
}

/** Gives a session a method of its own, where it is not taken for a part of what the session holds. */
export function setMethod(session: object, name: 'regenerate' | 'save', method: unknown): void {
  Object.defineProperty(session, name, { value: method, configurable: true, writable: true, enumerable: false })
}
