import { setTimeout as pause } from 'node:timers/promises'
import type { SandboxPerson } from '../../lib/sandbox'
import { Browser, NoResponseError, type BrowserResponse } from './browser'
import { outcomeOf, type Outcome } from './outcomes'
import type { Random } from './random'

/** What all people in a soak test share. */
export interface World {
  readonly appURL: string
  readonly sandboxURL: string
  /** How often each outcome occurred. */
  readonly outcomes: Record<string, number>
  /** What must not happen, but did. */
  readonly failures: string[]
  /** Callbacks that attackers have stolen. */
  readonly stolenCallbacks: string[]
  /** How often somebody was asked to log in again without having logged out. */
  unexpectedLogins: number
}

const PAGES = ['/account', '/account', '/numbers', '/messages'] as const
const CALLBACK = '/auth/twilio/callback'
/** ms. */
const MAX_PAUSE = 3000
/** ms. */
const TWILIO_PAGE_TIMEOUT = 3000
const MAX_STOLEN_CALLBACKS = 50
const MAX_SETTLE_ATTEMPTS = 60
/** ms. */
const SETTLE_PAUSE = 200
const PASSING: readonly (Outcome | undefined)[] = ['told that Twilio is unavailable', 'told that the app cannot say who they are']

/** Twilio's page failed to load. The person gives up and closes the tab. */
class TwilioPageFailed extends Error {}

/** A person who uses the app in a browser with several tabs, one action after another. */
export class Person {
  readonly #account: SandboxPerson
  readonly #world: World
  readonly #random: Random
  readonly #browser: Browser
  /** `unsure` after the app has asked for a new login: the cause may only be a failed refresh. */
  #isLoggedIn: boolean | 'unsure' = false
  #lastCallback: string | undefined

  constructor(account: SandboxPerson, world: World, random: Random) {
    this.#account = account
    this.#world = world
    this.#random = random
    this.#browser = new Browser(world.appURL)
  }

  /** Performs a random action. */
  async act(): Promise<void> {
    const action = this.#random.weighted<() => Promise<unknown>>([
      [this.#isLoggedIn === true ? 2 : 12, () => this.#logIn()],
      [2, () => this.#logInWithTabs()],
      [2, () => this.#logIn({ deny: true })],
      [20, () => this.#open(this.#random.one(PAGES))],
      [4, () => Promise.all(Array.from({ length: 2 + this.#random.below(4) }, () => this.#open(this.#random.one(PAGES))))],
      [4, () => this.#request('/account', { accept: 'application/json' })],
      [3, () => this.#open('/account/refresh', 'POST')],
      [2, () => this.#logOut()],
      [2, () => this.#replay()],
      [2, () => this.#useStolen()],
      [4, () => this.#sendRandomRequest()],
      [10, () => pause(this.#random.fraction() * MAX_PAUSE)]
    ])
    try {
      await action()
    } catch (error) {
      if (error instanceof NoResponseError) this.#world.failures.push(`No response to ${error.message}`)
      else if (!(error instanceof TwilioPageFailed)) throw error
    }
  }

  /** The person's final state: logged in, or asked to log in. Retries while Twilio or the session store is unavailable. */
  async settle(): Promise<Outcome | undefined> {
    for (let tries = MAX_SETTLE_ATTEMPTS; ; tries--) {
      const { outcome } = await this.#open('/account')
      if (!PASSING.includes(outcome) || tries === 0) return outcome
      await pause(SETTLE_PAUSE)
    }
  }

  /** @returns the response, and what it means */
  async #request(path: string, options: Parameters<Browser['go']>[1] = {}): Promise<{ response: BrowserResponse; outcome: Outcome | undefined }> {
    const { outcomes, failures, sandboxURL } = this.#world
    const response = await this.#browser.go(path, options)
    const outcome = outcomeOf(response, sandboxURL)
    if (outcome === undefined) failures.push(`${response.request} got an unexpected response: status ${response.status} ${response.location ?? ''}: ${textOf(response.body)}`)
    const name = outcome ?? 'unexpected response'
    outcomes[name] = (outcomes[name] ?? 0) + 1
    return { response, outcome }
  }

  /** Opens a page that requires a login, and checks that it is this person's. */
  async #open(path: string, method?: string): Promise<{ outcome: Outcome | undefined }> {
    const wasLoggedIn = this.#isLoggedIn
    const { response, outcome } = await this.#request(path, { method })
    if (outcome === 'asked to log in' && wasLoggedIn === true && this.#isLoggedIn === true) {
      this.#isLoggedIn = 'unsure'
      this.#world.unexpectedLogins++
    }
    if (outcome === 'page' && wasLoggedIn === false) this.#world.failures.push(`${path} was shown to somebody who is not logged in`)
    if (outcome === 'page' && path === '/account' && !response.body.includes(this.#account.userSid)) this.#world.failures.push("Somebody was shown another person's account")
    return { outcome }
  }

  async #startLogin(): Promise<string> {
    const { response } = await this.#request('/auth/twilio')
    if (response.location === undefined) throw new TwilioPageFailed()
    return response.location
  }

  /** Approves or denies the login at Twilio. Returns the path of the callback. */
  async #decide(authorizeURL: string, deny = false): Promise<string> {
    try {
      const authorization = await fetch(authorizeURL, { redirect: 'manual', signal: AbortSignal.timeout(TWILIO_PAGE_TIMEOUT) })
      const page = new URL(((await authorization.json()) as { redirect_to: string }).redirect_to)
      const form = new URLSearchParams({ request: page.searchParams.get('request') ?? '', person: this.#account.userSid, decision: deny ? 'deny' : 'approve' })
      const decided = await fetch(new URL('/authorize', page), { method: 'POST', body: form, redirect: 'manual', signal: AbortSignal.timeout(TWILIO_PAGE_TIMEOUT) })
      await decided.arrayBuffer()
      const { pathname, search } = new URL(decided.headers.get('location') ?? '')
      return pathname + search
    } catch (error) {
      throw new TwilioPageFailed('Twilio did not show its page.', { cause: error })
    }
  }

  async #logIn({ deny = false } = {}): Promise<void> {
    const callback = await this.#decide(await this.#startLogin(), deny)
    await this.#openCallback(callback)
  }

  async #openCallback(callback: string): Promise<void> {
    this.#lastCallback = callback
    if (this.#random.below(4) === 0) this.#letCallbackBeStolen(callback)
    const { outcome } = await this.#request(callback)
    if (outcome === 'redirected') this.#isLoggedIn = true
  }

  /** Starts logins in several tabs at once, and finishes them in any order, or never. */
  async #logInWithTabs(): Promise<void> {
    const begun = await Promise.all(Array.from({ length: 2 + this.#random.below(3) }, () => this.#startLogin()))
    const decided = await Promise.all(begun.map((url) => this.#decide(url, this.#random.below(5) === 0)))
    const returning = decided.filter(() => this.#random.below(4) > 0)
    if (this.#random.below(2) === 0) await Promise.all(returning.map((callback) => this.#openCallback(callback)))
    else for (const callback of returning.reverse()) await this.#openCallback(callback)
  }

  async #logOut(): Promise<void> {
    await this.#request('/logout', { method: 'POST' })
    this.#isLoggedIn = false
  }

  #letCallbackBeStolen(callback: string): void {
    this.#world.stolenCallbacks.push(callback)
    if (this.#world.stolenCallbacks.length > MAX_STOLEN_CALLBACKS) this.#world.stolenCallbacks.shift()
  }

  /** Goes back to the last callback, or reloads it. */
  async #replay(): Promise<void> {
    if (this.#lastCallback === undefined) return
    await this.#request(this.#lastCallback)
  }

  async #useStolen(): Promise<void> {
    const callback = this.#world.stolenCallbacks[this.#random.below(this.#world.stolenCallbacks.length)]
    if (callback === undefined || callback === this.#lastCallback) return
    await this.#request(callback)
    // The stolen callback must neither log this person in nor change who they are.
    await this.#open('/account')
  }

  async #sendRandomRequest(): Promise<void> {
    const random = this.#random
    const anything = encodeURIComponent(random.text(random.below(40)))
    const path = random.one([
      `${CALLBACK}?code=${anything}&state=${anything}`,
      `${CALLBACK}?state=${anything}`,
      `${CALLBACK}?code=a&code=b&state=${anything}`,
      `${CALLBACK}?code=a&error=${anything}`,
      `${CALLBACK}?error=access_denied&error_description=${anything}`,
      `${CALLBACK}?Code[]=${anything}&State=%zz`,
      `/auth/twilio?code=${anything}`,
      `/${anything}`,
      '/?login=denied'
    ])
    await this.#request(path)
  }
}

function textOf(page: string): string {
  return page.replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ').replace(/\s+/g, ' ').slice(0, 300)
}
