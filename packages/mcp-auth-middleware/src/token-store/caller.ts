import { StoreInvalidError } from '../errors.js'
import type { Principal } from '../principal.js'
import { principalOf } from '../resource-server/auth-info.js'

/** The part of the MCP SDK's `AuthInfo` that is read here; the token itself is not among it. */
export interface CallerAuthInfo {
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

function isPrincipal(value: unknown): value is Principal {
  if (typeof value !== 'object' || value === null) return false
  const { issuer, subject, kind } = value as Record<string, unknown>
  return (
    typeof issuer === 'string' &&
    issuer !== '' &&
    typeof subject === 'string' &&
    subject !== '' &&
    (kind === 'user' || kind === 'service')
  )
}

/**
 * Finds the verified principal in what a handler was given: the SDK's auth info (`extra.principal`,
 * put there by the guard) or a principal itself.
 *
 * @throws {@link StoreInvalidError} when there is none: the request was not guarded, so that there is
 *   nobody whose credential could be looked up.
 */
export function requirePrincipal(caller: Principal | CallerAuthInfo | undefined): Principal {
  if (typeof caller === 'object' && caller !== null) {
    // Whatever carries a token or `extra` is auth info: its other members come from the token and
    // must not be taken for a principal.
    const isAuthInfo = 'extra' in caller || 'token' in caller
    const candidate = isAuthInfo
      ? principalOf({ extra: (caller as CallerAuthInfo).extra ?? {} })
      : caller
    if (isPrincipal(candidate)) return candidate
  }
  throw new StoreInvalidError(
    'no verified caller: pass the auth info of a request that went through the guard',
  )
}
