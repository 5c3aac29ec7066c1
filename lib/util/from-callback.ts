type NodeCallback<Values extends unknown[]> = (error?: unknown, ...values: Values) => void

interface FromCallbackOptions {
  /** Whether the function has a parameter for the callback. If not, only its promise can provide the result. Default: `true`. */
  readonly hasCallbackParameter?: boolean
}

/**
 * Calls a function that takes a Node-style callback, and returns a promise of the callback's values.
 *
 * The function may be async. Its rejection rejects, and the value it resolves to counts as the callback's first value.
 * If it resolves to `undefined`, the callback may still be called later, unless the function has no parameter for it.
 *
 * Rejects with the callback's error, and with what the function throws.
 */
export function fromCallback<Values extends unknown[]>(
  call: (callback: NodeCallback<Values>) => unknown,
  { hasCallbackParameter = true }: FromCallbackOptions = {}
): Promise<Values> {
  return new Promise((resolve, reject) => {
    const callback: NodeCallback<Values> = (error, ...values) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an application's errors are passed on as they are
      if (error) reject(error)
      else resolve(values)
    }
    const returned = call(callback)
    if (!isThenable(returned)) return
    returned.then((value) => {
      // As with a callback, the caller declares the type of the result.
      if (value !== undefined || !hasCallbackParameter) resolve([value] as unknown[] as Values)
    }, reject)
  })
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
