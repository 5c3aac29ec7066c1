/** What the app is called on its pages. */
export const APP_NAME = 'Switchboard'

/** The beginning of the names of its cookie, its keys in Redis, and its table in the database. */
export const APP_SLUG = 'switchboard'
