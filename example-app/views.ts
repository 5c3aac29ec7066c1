import { basename, join } from 'node:path'
import { Eta } from 'eta'
import type { Express, RequestHandler } from 'express'

const FOLDER = join(import.meta.dirname, 'views')

/** What the layout says at the foot of every page. */
export interface Site {
  apiVersion: 'v1' | 'v2'
  /** Whether people log in with a sandbox. */
  hasSandbox: boolean
  hasRedis: boolean
  process: number
}

/** Lets `res.render('home', { … })` make pages of `views/`. Whatever is put into one with `<%= %>` is escaped. */
export function useViews(app: Express, site: Site): void {
  const eta = new Eta({ views: FOLDER, cache: process.env.NODE_ENV === 'production' })
  app.engine('eta', (path, data, done) => done(null, eta.render(basename(path, '.eta'), data)))
  app.set('view engine', 'eta')
  app.set('views', FOLDER)
  app.locals.site = site
}

/** Tells every page who is logged in, and every cache to keep out: what a page says is for one person. */
export const personalPages: RequestHandler = (req, res, next) => {
  res.locals.user = req.user
  res.set('Cache-Control', 'no-store')
  next()
}
