/** The supported versions of Twilio's OAuth API. */
export type ApiVersion = 'v1' | 'v2'

/** One version of Twilio's OAuth API on the wire. All differences between the versions are here, as data. */
export interface Dialect {
  readonly authorizePath: string
  readonly tokenPath: string
  /** The HTTP status of a successful token response. */
  readonly tokenStatus: number
  /** Whether this version documents PKCE (RFC 7636). */
  readonly pkce: boolean
  /** This version's name for each of OAuth 2.0's parameters. */
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

/** Parameters by their OAuth 2.0 names. Other names are sent unchanged. */
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

export function isApiVersion(value: string): value is ApiVersion {
  return Object.hasOwn(DIALECTS, value)
}

/** Form-encodes parameters under the dialect's names, without those that are `undefined`. */
export function encodeParameters({ parameterNames }: Dialect, parameters: OAuthParameters): string {
  const names: Readonly<Record<string, string>> = parameterNames
  return Object.entries(parameters)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([parameter, value]) => {
      const name = Object.hasOwn(names, parameter) ? names[parameter] : undefined
      return `${name ?? encodeURIComponent(parameter)}=${encodeURIComponent(value)}`
    })
    .join('&')
}
