import type { Request, RequestHandler } from 'express'
import { listAccounts } from 'passport-twilio/sdk'
import { log } from './log.ts'
import { setNotice } from './notice.ts'

/** An account at Twilio. */
export interface Account {
  accountSid: string
  /** `undefined` if only the token names the account. */
  friendlyName: string | undefined
}

declare module 'express-session' {
  interface SessionData {
    /** The account that the person works in. */
    account?: Account
    /** The page to show once an account is chosen. */
    pageInAccount?: string
  }
}

/**
 * The account to work in. Twilio's tokens for people act for their organization and name no account, so people choose one.
 * All functions need `tokens.fresh()` before them.
 */
export class Accounts {
  readonly #apiBaseURL: string | undefined

  constructor(apiBaseURL: string | undefined) {
    this.#apiBaseURL = apiBaseURL
  }

  /** Sends people who have not chosen an account to the page where they do, and back afterwards. */
  readonly requireAccount: RequestHandler = async (req, res, next) => {
    if (await this.#accountOf(req)) {
      next()
      return
    }
    if (req.method === 'GET') req.session.pageInAccount = req.originalUrl
    res.redirect(303, '/accounts')
  }

  /** Finds the account, if there is only one, for a page that is also useful without one. */
  readonly findAccount: RequestHandler = async (req, res, next) => {
    try {
      res.locals.account = await this.#accountOf(req)
    } catch (error) {
      log.warn({ err: error }, 'The accounts could not be listed')
    }
    next()
  }

  /** The page where people choose an account. */
  readonly choicePage: RequestHandler = async (req, res) => {
    res.render('accounts', { accounts: await this.#list(req) })
  }

  /** Needs `express.urlencoded()` before it. */
  readonly choose: RequestHandler = async (req, res) => {
    const { accountSid } = req.body as Record<string, unknown>
    const account = (await this.#list(req)).find((candidate) => candidate.accountSid === accountSid)
    if (!account) {
      setNotice(req, 'warning', 'You cannot work in this account any more. Please choose another one.')
      res.redirect(303, '/accounts')
      return
    }
    const { pageInAccount = '/numbers' } = req.session
    delete req.session.pageInAccount
    req.session.account = account
    setNotice(req, 'success', `You are now working in ${account.friendlyName ?? account.accountSid}.`)
    res.redirect(303, pageInAccount)
  }

  /** The chosen account, or the only one. `undefined` if there are several to choose from, or none. */
  async #accountOf(req: Request): Promise<Account | undefined> {
    if (req.session.account) return req.session.account
    const [account, ...others] = await this.#list(req)
    if (!account || others.length > 0) return undefined
    req.session.account = account
    return account
  }

  async #list({ twilioTokens, user }: Request): Promise<Account[]> {
    // A token that names its account cannot access others.
    if (user?.accountSid !== undefined) return [{ accountSid: user.accountSid, friendlyName: undefined }]
    const accounts = await listAccounts(twilioTokens, { apiBaseURL: this.#apiBaseURL })
    return accounts.filter(({ status }) => status === 'active').map(({ accountSid, friendlyName }) => ({ accountSid, friendlyName }))
  }
}
