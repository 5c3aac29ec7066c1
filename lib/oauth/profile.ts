import { withoutUndefined } from '../util/without-undefined'
import { textClaim, type Claims } from './claims'
import { actorOf, parseResourceName, sidOf, type TwilioResourceName } from './resource-name'

/** Who logged in, as Passport's normalized profile. */
export interface TwilioProfile {
  /** Always `twilio`. */
  readonly provider: 'twilio'
  /** The user's SID (`US…`), or else their `sub`, or else the SID of the account or organization that approved the app. */
  readonly id: string
  /**
   * Whom `id` identifies. Only a `user` is a person: everybody who approves the app for the same `account` or `organization` has
   * the same `id`. At Twilio, this is what to expect of an organization's app without an ID token.
   */
  readonly identifies?: 'user' | 'account' | 'organization' | undefined
  /** The user's name, or else their email address, the account's name, or `id`. */
  readonly displayName: string
  /** The parts of the user's name. A part that Twilio does not provide is empty. */
  readonly name?:
    | {
        /** The ID token's `family_name`. */
        familyName: string
        /** The ID token's `given_name`. */
        givenName: string
      }
    | undefined
  /** The user's email address, if Twilio provides it. */
  readonly emails?:
    | {
        /** The email address. */
        value: string
        /** Whether Twilio has verified the address (`email_verified`), if it says. */
        verified?: boolean | undefined
      }[]
    | undefined
  /** The account that approved the app: `AC…`. */
  readonly accountSid?: string | undefined
  /** The organization that approved the app: `OR…`. */
  readonly organizationSid?: string | undefined
  /** The token's Twilio region, such as `us1` or `ie1`. */
  readonly region?: string | undefined
  /** The claims or account that the profile was made from. */
  readonly _json: Claims
  /** The same, as JSON. */
  readonly _raw: string
}

/** An account as Twilio's Accounts resource lists it. */
export interface TwilioAccount {
  readonly sid: string
  readonly friendlyName?: string | undefined
  /** The resource, without its Auth Token. */
  readonly json: Readonly<Record<string, unknown>>
}

/** The claims of a login's tokens. */
export interface ProfileClaims {
  readonly idClaims: Claims
  readonly accessClaims: Claims
}

/**
 * The profile from the claims of the ID token, else of the access token, completed from the account.
 * `undefined` if none of them identifies anyone.
 */
export function profileOf({ idClaims, accessClaims }: ProfileClaims, account?: TwilioAccount): TwilioProfile | undefined {
  const access = identityIn(accessClaims)
  const identity = [identityIn(idClaims), access].find(({ id }) => id !== undefined)
  const id = identity?.id ?? account?.sid
  if (id === undefined) return undefined

  const claims = identity?.claims ?? {}
  const json = identity?.claims ?? account?.json ?? {}
  const actor = identity?.actor ?? access.actor
  return withoutUndefined<TwilioProfile>({
    provider: 'twilio',
    id,
    identifies: identity ? identity.kind : 'account',
    displayName: displayNameIn(claims) ?? account?.friendlyName ?? id,
    name: nameIn(claims),
    emails: emailsIn(claims),
    accountSid: sidOf(actor, 'AC') ?? account?.sid,
    organizationSid: sidOf(actor, 'OR'),
    region: (identity && regionOf(identity)) ?? regionOf(access),
    _json: json,
    _raw: JSON.stringify(json)
  })
}

/** Who a token's claims say has logged in. */
interface Identity {
  readonly claims: Claims
  readonly id: string | undefined
  /** Whom `id` identifies. */
  readonly kind: NonNullable<TwilioProfile['identifies']>
  /** The `sub` claim, if it is a Twilio Resource Name. */
  readonly subject: TwilioResourceName | undefined
  /** The account or organization that approved the app. */
  readonly actor: TwilioResourceName | undefined
}

/** An account, organization or user. A `sub` that only begins with the same letters is some other ID. */
const SID = /^[A-Z]{2}[\da-f]{32}$/

/**
 * `sub` identifies the user, unless it names the OAuth app, which is the same for every user. Then the account or
 * organization that approved the app has logged in.
 */
function identityIn(claims: Claims): Identity {
  const sub = textClaim(claims, 'sub')
  const subject = parseResourceName(sub)
  const actor = actorOf(claims)
  const isApp = subject?.type === 'oauthapp' || sub?.startsWith('OQ')
  const isSubject = !isApp && sub !== undefined
  const sid = isSubject ? (subject?.sid ?? SID.exec(sub)?.[0]) : actor?.sid
  return { claims, id: sid ?? (isSubject ? sub : undefined), kind: kindOf(sid), subject, actor }
}

function kindOf(sid = ''): Identity['kind'] {
  if (sid.startsWith('OR')) return 'organization'
  return sid.startsWith('AC') ? 'account' : 'user'
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

function regionOf({ claims, subject, actor }: Identity): string | undefined {
  return textClaim(claims, 'urn:tw:rgn') ?? (actor ?? subject)?.region
}
