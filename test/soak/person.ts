import { setTimeout as pause } from 'node:timers/promises'
import type { SandboxPerson } from '../../lib/sandbox'
import { Browser, NoAnswer, type Answer } from './browser'
import { outcomeOf, type Outcome } from './outcomes'
import type { Random } from './random'

/** What all people of a soak share. */
export interface World {
  readonly appURL: string
  readonly sandboxURL: string
  /** How often the app answered what. */
  readonly outcomes: Record<string, number>
  /** What must not happen. */
  readonly faults: string[]
  /** Ways back from Twilio that thieves have got hold of. */
  readonly stolen: string[]
  /** Of whoever was asked to log in again without having logged out. */
  loggedOut: number
}

const PAGES = ['/account', '/account', '/numbers', '/messages'] as const
const CALLBACK = '/auth/twilio/callback'
const LISTEN = 3000
const STOLEN_MAX = 50
const SETTLING_TRIES = 60
const SETTLING_PAUSE = 200

/** Twilio's page did not come, as happens to people; they close the tab. */
class TwilioPageFailed extends Error {}

/** Somebody who uses the app, in a browser with several tabs, one thing after the other. */
export class Person {
  readonly #account: SandboxPerson
  readonly #world: World
  readonly #random: Random
  readonly #browser: Browser
  /** In doubt after the app has asked to log in again: Twilio may only have been unable to refresh. */
  #isIn: boolean | 'in doubt' = false
  #lastCallback: string | undefined

  constructor(account: SandboxPerson, world: World, random: Random) {
    this.#account = account
    this.#world = world
    this.#random = random
    this.#browser = new Browser(world.appURL)
  }

  /** Does one thing, whichever. */
  async act(): Promise<void> {
    const action = this.#random.weighted<() => Promise<unknown>>([
      [this.#isIn === true ? 2 : 12, () => this.#logIn()],
      [2, () => this.#logInWithTabs()],
      [2, () => this.#logIn({ deny: true })],
      [20, () => this.#open(this.#random.one(PAGES))],
      [4, () => Promise.all(Array.from({ length: 2 + this.#random.below(4) }, () => this.#open(this.#random.one(PAGES))))],
      [4, () => this.#ask('/account', { accept: 'application/json' })],
      [3, () => this.#open('/account/refresh', 'POST')],
      [2, () => this.#logOut()],
      [2, () => this.#replay()],
      [2, () => this.#useStolen()],
      [4, () => this.#sendAnything()],
      [10, () => pause(this.#random.fraction() * LISTEN)]
    ])
    try {
      await action()
    } catch (error) {
      if (error instanceof NoAnswer) this.#world.faults.push(`No answer to ${error.message}`)
      else if (!(error instanceof TwilioPageFailed)) throw error
    }
  }

  /** Where this person is in the end: logged in, or asked to log in. What still goes wrong is tried again, as people do. */
  async settle(): Promise<Outcome | undefined> {
    for (let tries = SETTLING_TRIES; ; tries--) {
      const { outcome } = await this.#open('/account')
      if (outcome !== 'told that Twilio is in trouble' || tries === 0) return outcome
      await pause(SETTLING_PAUSE)
    }
  }

  /** @returns the answer, and what it says */
  async #ask(path: string, options: Parameters<Browser['go']>[1] = {}): Promise<{ answer: Answer; outcome: Outcome | undefined }> {
    const { outcomes, faults, sandboxURL } = this.#world
    const answer = await this.#browser.go(path, options)
    const outcome = outcomeOf(answer, sandboxURL)
    if (outcome === undefined) faults.push(`${answer.asked} was answered ${answer.status} ${answer.location ?? ''}: ${textOf(answer.body)}`)
    const name = outcome ?? 'what explains nothing'
    outcomes[name] = (outcomes[name] ?? 0) + 1
    return { answer, outcome }
  }

  /** A page for those who are logged in; it must be this person's. */
  async #open(path: string, method?: string): Promise<{ outcome: Outcome | undefined }> {
    const wasIn = this.#isIn
    const { answer, outcome } = await this.#ask(path, { method })
    if (outcome === 'asked to log in' && wasIn === true && this.#isIn === true) {
      this.#isIn = 'in doubt'
      this.#world.loggedOut++
    }
    if (outcome === 'page' && wasIn === false) this.#world.faults.push(`${path} was shown to somebody who is not logged in`)
    if (outcome === 'page' && path === '/account' && !answer.body.includes(this.#account.userSid)) this.#world.faults.push("Somebody was shown another person's account")
    return { outcome }
  }

  async #begin(): Promise<string> {
    const { answer } = await this.#ask('/auth/twilio')
    if (answer.location === undefined) throw new TwilioPageFailed()
    return answer.location
  }

  /** What happens on Twilio's pages; gives the way back, as a path of the app. */
  async #decide(authorizeURL: string, deny = false): Promise<string> {
    try {
      const asked = await fetch(authorizeURL, { redirect: 'manual', signal: AbortSignal.timeout(LISTEN) })
      const page = new URL(((await asked.json()) as { redirect_to: string }).redirect_to)
      const form = new URLSearchParams({ request: page.searchParams.get('request') ?? '', person: this.#account.userSid, decision: deny ? 'deny' : 'approve' })
      const decided = await fetch(new URL('/authorize', page), { method: 'POST', body: form, redirect: 'manual', signal: AbortSignal.timeout(LISTEN) })
      await decided.arrayBuffer()
      const { pathname, search } = new URL(decided.headers.get('location') ?? '')
      return pathname + search
    } catch (error) {
      throw new TwilioPageFailed('Twilio did not show its page.', { cause: error })
    }
  }

  async #logIn({ deny = false } = {}): Promise<void> {
    const callback = await this.#decide(await this.#begin(), deny)
    await this.#comeBack(callback)
  }

  async #comeBack(callback: string): Promise<void> {
    this.#lastCallback = callback
    if (this.#random.below(4) === 0) this.#beRobbed(callback)
    const { outcome } = await this.#ask(callback)
    if (outcome === 'sent on') this.#isIn = true
  }

  /** Tabs that begin at once, and come back in any order, or never. */
  async #logInWithTabs(): Promise<void> {
    const begun = await Promise.all(Array.from({ length: 2 + this.#random.below(3) }, () => this.#begin()))
    const decided = await Promise.all(begun.map((url) => this.#decide(url, this.#random.below(5) === 0)))
    const returning = decided.filter(() => this.#random.below(4) > 0)
    if (this.#random.below(2) === 0) await Promise.all(returning.map((callback) => this.#comeBack(callback)))
    else for (const callback of returning.reverse()) await this.#comeBack(callback)
  }

  async #logOut(): Promise<void> {
    await this.#ask('/logout', { method: 'POST' })
    this.#isIn = false
  }

  #beRobbed(callback: string): void {
    this.#world.stolen.push(callback)
    if (this.#world.stolen.length > STOLEN_MAX) this.#world.stolen.shift()
  }

  /** Back and reload, on the way back from Twilio. */
  async #replay(): Promise<void> {
    if (this.#lastCallback === undefined) return
    await this.#ask(this.#lastCallback)
  }

  async #useStolen(): Promise<void> {
    const callback = this.#world.stolen[this.#random.below(this.#world.stolen.length)]
    if (callback === undefined || callback === this.#lastCallback) return
    await this.#ask(callback)
    // It must neither log in nor change who this is.
    await this.#open('/account')
  }

  async #sendAnything(): Promise<void> {
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
    await this.#ask(path)
  }
}

function textOf(page: string): string {
  return page.replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ').replace(/\s+/g, ' ').slice(0, 300)
}
