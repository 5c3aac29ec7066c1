import { join } from 'node:path'
import { Eta } from 'eta'

const eta = new Eta({ views: join(import.meta.dirname, 'views'), cache: process.env.NODE_ENV === 'production' })

/** What every page knows. */
export interface PageData {
  user?: Express.User | undefined
}

/** A page of `views/`. Whatever is put into it with `<%= %>` is escaped. */
export function render(view: string, data: PageData & Record<string, unknown>): string {
  return eta.render(view, data)
}

export function renderError(error: { title: string; message: string; status: number }, { user }: PageData): string {
  return render('error', { ...error, user })
}
