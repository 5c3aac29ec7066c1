import { DIALECTS, type Dialect, type OAuthParameter } from '../oauth/dialect'
import { SandboxError } from './twilio-error'

/** OAuth 2.0's parameters by their standard names; those that are empty are missing. */
export type ReadParameters = Partial<Record<OAuthParameter, string>>

/**
 * Reads parameters strictly: in the dialect's names, each once. Others are let be.
 *
 * @throws {SandboxError} for a name of another dialect, and for a parameter that comes twice
 */
export function readParameters(given: URLSearchParams, dialect: Dialect): ReadParameters {
  const known = standardNames(dialect)
  const foreign = new Set(Object.values(DIALECTS).flatMap((other) => Object.values(other.parameterNames)))
  const parameters: ReadParameters = {}
  for (const [name, value] of given) {
    const parameter = known.get(name)
    if (parameter === undefined && foreign.has(name)) throw new SandboxError('invalid_request', `${name} is not a parameter of this version (${dialect.tokenPath.slice(1, 3)}).`)
    if (parameter === undefined || value === '') continue
    if (parameters[parameter] !== undefined) throw new SandboxError('invalid_request', `${name} comes more than once.`)
    parameters[parameter] = value
  }
  return parameters
}

/** @throws {SandboxError} when the parameter is missing */
export function required(parameters: ReadParameters, parameter: OAuthParameter, dialect: Dialect): string {
  const value = parameters[parameter]
  if (value === undefined) throw new SandboxError('invalid_request', `${dialect.parameterNames[parameter]} is missing.`)
  return value
}

function standardNames({ parameterNames }: Dialect): Map<string, OAuthParameter> {
  return new Map(Object.entries(parameterNames).map(([parameter, name]) => [name, parameter as OAuthParameter]))
}
