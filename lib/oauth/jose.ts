import type * as Jose from './bundled-jose'

/** jose, loaded where a token is checked, and not with the package. */
export function jose(): typeof Jose {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- Jest's CommonJS has no import()
  return require('./bundled-jose') as typeof Jose
}
