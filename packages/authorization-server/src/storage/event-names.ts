/**
 * Every event of the authorization server. `docs/reference/authorization-server-events.md` says of each
 * when it happens, what its outcomes are, and whether the audit trail has it.
 */
export const EVENT_NAMES = [
  'sign-in',
  'consent',
  'form',
  'client.register',
  'client.create',
  'client.rotate-secret',
  'client.revoke',
  'token.issue',
  'token.refresh',
  'token.reuse',
  'code.reuse',
  'token.revoke',
  'session.revoke',
  'session.revoke-user',
  'credential.connect',
  'credential.disconnect',
  'user.create',
  'user.bind',
  'user.invite',
  'user.allow',
  'user.suspend',
  'user.activate',
  'user.role',
  'user.remove',
  'signing-keys.update',
  'signing-keys.rotate',
  'rate-limited',
  'rate-limits.fallback',
  'forwarded-headers.ignored',
  'request.failed',
  'clean-up',
] as const

/** Name of an event. */
export type AuthorizationServerEventName = (typeof EVENT_NAMES)[number]
