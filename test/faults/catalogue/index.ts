import type { Row } from '../row'
import { tokenEndpoint } from './token-endpoint'

/** All rows, by where the fault lies. */
export const CATALOGUE: Readonly<Record<string, readonly Row[]>> = {
  'The token endpoint': tokenEndpoint
}
