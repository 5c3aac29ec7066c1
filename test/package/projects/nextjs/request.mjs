import { AsyncLocalStorage } from 'node:async_hooks'

// Next.js bundles a copy of this module for the pages. Both copies share the storage.
const requests = (globalThis.guardedRequests ??= new AsyncLocalStorage())

export function withRequest(req, render) {
  return requests.run(req, render)
}

/** The request of the page that is being rendered. */
export function currentRequest() {
  const req = requests.getStore()
  if (!req) throw new Error('Add the path of this page to the guarded ones in server.mjs.')
  return req
}
