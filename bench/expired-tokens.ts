import { setTimeout as pause } from 'node:timers/promises'
import type { App } from './app.ts'
import type { Provider } from './provider.ts'
import type { Visitor } from './visitor.ts'

/** s */
const SHORT_LIFETIME = 1
const USUAL_LIFETIME = 3600
/** ms. Some libraries count in whole seconds. */
const UNTIL_EXPIRED = 2100

/** Logs people in. Their access tokens have expired when this resolves, and a refresh gives them tokens for an hour. */
export async function logInWithExpiredTokens(app: App, provider: Provider, people: number): Promise<Visitor[]> {
  await provider.set({ lifetime: SHORT_LIFETIME })
  const visitors: Visitor[] = []
  while (visitors.length < people) visitors.push(await app.logIn())
  await provider.set({ lifetime: USUAL_LIFETIME })
  await pause(UNTIL_EXPIRED)
  return visitors
}
