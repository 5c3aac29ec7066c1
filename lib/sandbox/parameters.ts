import { DIALECTS, type Dialect, type OAuthParameter } from '../oauth/dialect'
import { SandboxError } from './sandbox-error'

/** Request parameters by their OAuth 2.0 names. Empty ones are omitted (RFC 6749 §3.1). */
export type RequestParameters = Partial<Record<OAuthParameter, string>>

/**
 * Reads the parameters of a request strictly. Parameters that no version of Twilio's API has are ignored.
 *
 * @throws {SandboxError} `invalid_request` for a parameter of another API version, and for one that is given twice
 */
export function readParameters(given: URLSearchParams, dialect: Dialect): RequestParameters {
  const oauthNames = oauthNamesIn(dialect)
  const parameters: RequestParameters = {}
  for (const [name, value] of given) {
    const parameter = oauthNames.get(name)
    if (parameter === undefined && TWILIO_NAMES.has(name)) throw new SandboxError('invalid_request', `${name} is not a parameter of this version (${dialect.tokenPath.slice(1, 3)}).`)
    if (parameter === undefined || value === '') continue
    if (parameters[parameter] !== undefined) throw new SandboxError('invalid_request', `${name} is given more than once.`)
    parameters[parameter] = value
  }
  return parameters
}

/** @throws {SandboxError} `invalid_request` when the parameter is missing */
export function requireParameter(parameters: RequestParameters, parameter: OAuthParameter, dialect: Dialect): string {
  const value = parameters[parameter]
  if (value === undefined) throw new SandboxError('invalid_request', `${dialect.parameterNames[parameter]} is missing.`)
  return value
}

/** The parameter names of every version. */
const TWILIO_NAMES = new Set(Object.values(DIALECTS).flatMap(({ parameterNames }) => Object.values(parameterNames)))

function oauthNamesIn({ parameterNames }: Dialect): Map<string, OAuthParameter> {
  return new Map(Object.entries(parameterNames).map(([parameter, name]) => [name, parameter as OAuthParameter]))
}
