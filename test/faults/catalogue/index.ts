import type { Row } from '../row'
import { authorizeEndpoint } from './authorize-endpoint'
import { callback } from './callback'
import { idToken } from './id-token'
import { refresh } from './refresh'
import { session } from './session'
import { tokenEndpoint } from './token-endpoint'

/** All rows, by what is at fault. */
export const CATALOGUE: Readonly<Record<string, readonly Row[]>> = {
  'The token endpoint': tokenEndpoint,
  'The authorize endpoint': authorizeEndpoint,
  'The ID token': idToken,
  'The callback': callback,
  'The session': session,
  'The refresh': refresh
}
