import { basename, join } from 'node:path'
import { Eta } from 'eta'
import type { Express, RequestHandler } from 'express'
import { APP_NAME } from './brand.ts'
import { initialsOf, timeElement } from './format.ts'
import { takeNotice } from './notice.ts'

const FOLDER = join(import.meta.dirname, '../views')

/** Shown in the footer of every page. */
export interface Site {
  apiVersion: 'v1' | 'v2'
  /** Whether users log in with a sandbox. */
  hasSandbox: boolean
  hasRedis: boolean
  process: number
}

/** Makes `res.render('home', { … })` render the templates in `views/`. Values in `<%= %>` are escaped. */
export function useViews(app: Express, site: Site): void {
  const eta = new Eta({ views: FOLDER, cache: process.env.NODE_ENV === 'production' })
  app.engine('eta', (path, data, done) => done(null, eta.render(basename(path, '.eta'), data)))
  app.set('view engine', 'eta')
  app.set('views', FOLDER)
  Object.assign(app.locals, { site, appName: APP_NAME, initialsOf, timeElement })
}

/** Passes the user, their account and the notice to every page, and forbids caching: each page is for one person. */
export const personalPages: RequestHandler = (req, res, next) => {
  res.locals.user = req.user
  res.locals.account = req.session.account
  // Tokens of an organization's app may not name the person.
  res.locals.name = req.user?.displayName ?? req.session.account?.friendlyName
  res.locals.path = req.path
  res.locals.takeNotice = () => takeNotice(req)
  res.set('Cache-Control', 'no-store')
  next()
}
