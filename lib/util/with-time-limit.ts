/** What the promise resolves to, or `undefined` if that takes longer than `ms`. The work itself is not cancelled. */
export function withTimeLimit<Result>(ms: number, promise: Promise<Result>): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.max(0, ms), undefined)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
