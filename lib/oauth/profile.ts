import { actingFor, parseResourceName, sidOf, textClaim, type Claims, type TwilioResourceName } from './claims'
import { withoutUndefined } from '../util/without-undefined'

/** Who logged in, as Passport's normalized profile. */
export interface TwilioProfile {
  /** Always `twilio`. */
  readonly provider: 'twilio'
  /** The user's SID (`US…`), else their `sub`, else the SID of the account or organization that approved the app. */
  readonly id: string
  /** Their name, else their e-mail address, else the account's name, else `id`. */
  readonly displayName: string
  /** The parts of their name; one that Twilio does not tell is empty. */
  readonly name?:
    | {
        /** The ID token's `family_name`. */
        familyName: string
        /** The ID token's `given_name`. */
        givenName: string
      }
    | undefined
  /** One address, or none. */
  readonly emails?:
    | {
        /** The address. */
        value: string
        /** Whether Twilio knows it to be theirs (`email_verified`), where it says. */
        verified?: boolean | undefined
      }[]
    | undefined
  /** The account that approved the app: `AC…`. */
  readonly accountSid?: string | undefined
  /** The organization that approved the app: `OR…`. */
  readonly organizationSid?: string | undefined
  /** Where the token is at home, such as `us1` or `ie1`. */
  readonly region?: string | undefined
  /** The claims, or the account, that the profile was read from. */
  readonly _json: Claims
  /** The same, as JSON. */
  readonly _raw: string
}

/** An account as Twilio's Accounts resource lists it. */
export interface TwilioAccount {
  readonly sid: string
  readonly friendlyName?: string | undefined
  /** The resource as it came. */
  readonly json: Readonly<Record<string, unknown>>
}

/** The claims that a profile is made from. */
export interface ProfileClaims {
  readonly idClaims: Claims
  readonly accessClaims: Claims
}

/**
 * The profile that the tokens tell of: by the ID token, else by the access token, completed by the account.
 * `undefined` where none of them says who it is; none is invented.
 */
export function profileOf({ idClaims, accessClaims }: ProfileClaims, account?: TwilioAccount): TwilioProfile | undefined {
  const access = personIn(accessClaims)
  const person = [personIn(idClaims), access].find(({ id }) => id !== undefined)
  const id = person?.id ?? account?.sid
  if (id === undefined) return undefined

  const claims = person?.claims ?? {}
  const json = person?.claims ?? account?.json ?? {}
  const actor = person?.actor ?? access.actor
  return withoutUndefined<TwilioProfile>({
    provider: 'twilio',
    id,
    displayName: displayNameIn(claims) ?? account?.friendlyName ?? id,
    name: nameIn(claims),
    emails: emailsIn(claims),
    accountSid: sidOf(actor, 'AC') ?? account?.sid,
    organizationSid: sidOf(actor, 'OR'),
    region: (person && regionOf(person)) ?? regionOf(access),
    _json: json,
    _raw: JSON.stringify(json)
  })
}

/** Whom claims tell of. */
interface Person {
  readonly claims: Claims
  readonly id: string | undefined
  /** Whom they are about, where that is a resource of Twilio's. */
  readonly subject: TwilioResourceName | undefined
  /** The account or organization that approved the app. */
  readonly actor: TwilioResourceName | undefined
}

/**
 * Known by `sub` where it names a person. Where it names the OAuth app, which is the same for everybody,
 * whoever approved the app is the one who logged in.
 */
function personIn(claims: Claims): Person {
  const sub = textClaim(claims, 'sub')
  const subject = parseResourceName(sub)
  const actor = actingFor(claims)
  const isApp = subject?.type === 'oauthapp' || sub?.startsWith('OQ')
  return { claims, id: isApp ? actor?.sid : (subject?.sid ?? sub ?? actor?.sid), subject, actor }
}

function displayNameIn(claims: Claims): string | undefined {
  return textClaim(claims, 'name') ?? textClaim(claims, 'preferred_username') ?? textClaim(claims, 'email')
}

function nameIn(claims: Claims): TwilioProfile['name'] {
  const familyName = textClaim(claims, 'family_name')
  const givenName = textClaim(claims, 'given_name')
  return familyName === undefined && givenName === undefined ? undefined : { familyName: familyName ?? '', givenName: givenName ?? '' }
}

function emailsIn(claims: Claims): TwilioProfile['emails'] {
  const value = textClaim(claims, 'email')
  if (value === undefined) return undefined
  const verified = claims.email_verified
  return [typeof verified === 'boolean' ? { value, verified } : { value }]
}

function regionOf({ claims, subject, actor }: Person): string | undefined {
  return textClaim(claims, 'urn:tw:rgn') ?? (actor ?? subject)?.region
}
