/** What work gives, or `undefined` when it takes longer than so many ms. It goes on all the same. */
export function within<Result>(ms: number, work: Promise<Result>): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.max(0, ms), undefined)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
