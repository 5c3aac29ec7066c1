/** The versions of Twilio's OAuth API that this package speaks. */
export type ApiVersion = 'v1' | 'v2'

/** One version of Twilio's OAuth API on the wire. Everything that differs between versions is here, as data. */
export interface Dialect {
  readonly authorizePath: string
  readonly tokenPath: string
  /** The status of a token answer. */
  readonly tokenStatus: number
  /** Whether this version documents PKCE (RFC 7636). */
  readonly pkce: boolean
  /** OAuth 2.0's parameter names, and what they are called here. */
  readonly parameterNames: Readonly<Record<OAuthParameter, string>>
}

const OAUTH_PARAMETERS = [
  'response_type',
  'client_id',
  'client_secret',
  'redirect_uri',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'grant_type',
  'code',
  'audience',
  'refresh_token'
] as const

export type OAuthParameter = (typeof OAUTH_PARAMETERS)[number]

/** OAuth 2.0's parameters by their standard names; names that no dialect knows go out as they are. */
export type OAuthParameters = Readonly<Record<string, string | undefined>>

function named(name: (parameter: OAuthParameter) => string): Record<OAuthParameter, string> {
  return Object.fromEntries(OAUTH_PARAMETERS.map((parameter) => [parameter, name(parameter)])) as Record<OAuthParameter, string>
}

function capitalized(parameter: string): string {
  return parameter.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase())
}

export const DIALECTS: Readonly<Record<ApiVersion, Dialect>> = {
  v1: {
    authorizePath: '/v1/authorize',
    tokenPath: '/v1/token',
    tokenStatus: 201,
    pkce: false,
    parameterNames: named(capitalized)
  },
  v2: {
    authorizePath: '/v2/authorize',
    tokenPath: '/v2/token',
    tokenStatus: 200,
    pkce: true,
    parameterNames: named((parameter) => parameter)
  }
}

/** Parameters in the dialect's names, form-encoded; those without a value are left out. */
export function encodeParameters({ parameterNames }: Dialect, parameters: OAuthParameters): string {
  const names: Readonly<Record<string, string>> = parameterNames
  let encoded = ''
  for (const parameter in parameters) {
    const value = parameters[parameter]
    if (value === undefined) continue
    const name = Object.hasOwn(names, parameter) ? names[parameter] : undefined
    encoded += `${encoded && '&'}${name ?? encodeURIComponent(parameter)}=${encodeURIComponent(value)}`
  }
  return encoded
}
