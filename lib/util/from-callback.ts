/** What a Node-style callback is given, as a promise. Rejects with its error, and with what the function itself throws. */
export function fromCallback<Values extends unknown[]>(call: (done: (error?: unknown, ...values: Values) => void) => void): Promise<Values> {
  return new Promise((resolve, reject) => {
    call((error, ...values) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what others throw is passed on as it is
      if (error) reject(error)
      else resolve(values)
    })
  })
}
