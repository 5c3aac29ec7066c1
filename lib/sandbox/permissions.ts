import type { SandboxApp } from './apps'
import { SandboxError } from './sandbox-error'

/**
 * The permissions that the sandbox's API asks for. Twilio documents those of messages and accounts. The names of the others
 * are the sandbox's own, since Twilio does not publish them: go by the one that Twilio's error names.
 */
export const PERMISSIONS = [
  'twilio/iam/accounts/list',
  'twilio/iam/accounts/read',
  'twilio/iam/managed-users/list',
  'twilio/iam/managed-users/read',
  'twilio/iam/organization-accounts/list',
  'twilio/iam/organization-accounts/read',
  'twilio/messaging/messages/create',
  'twilio/messaging/messages/list',
  'twilio/numbers/incoming-phone-numbers/list'
] as const

/** A permission that the sandbox's API asks for. */
export type SandboxPermission = (typeof PERMISSIONS)[number]

/** @throws {SandboxError} `missing_permission`, in Twilio's words */
export function requirePermission({ permissions }: SandboxApp, permission: SandboxPermission): void {
  if (!permissions.includes(permission)) throw new SandboxError('missing_permission', `Authorization Error: required permission ${permission} is missing`)
}
