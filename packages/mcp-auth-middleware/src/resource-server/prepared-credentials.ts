import { isAuthError } from '../errors.js'
import type { Principal } from '../principal.js'
import type { Operation } from './operation-scopes.js'

/** An upstream credential that is looked up before the handler runs. Made by `createCredentials`. */
export interface PreparedCredentials {
  /** Whether it is looked up before a call of this tool. */
  matches(toolName: string): boolean
  /** `required`: none is stored, which the handler tells the caller in words and with a link. */
  resolve(principal: Principal): Promise<{ readonly kind: 'found' | 'required' | 'unavailable' }>
}

/** Whether the handler may run as far as credentials are concerned. */
export type Preparation = 'ready' | 'unavailable' | 'failed'

/** What one look-up means. A rejection is judged by its code, so that other sources fit as well. */
async function resolveOne(each: PreparedCredentials, principal: Principal): Promise<Preparation> {
  try {
    const { kind } = await each.resolve(principal)
    return kind === 'unavailable' ? 'unavailable' : 'ready'
  } catch (error) {
    const code = isAuthError(error) ? error.code : undefined
    if (code === 'ERR_CREDENTIAL_REQUIRED') return 'ready'
    // Anything else is a damaged value or a bug: neither absence nor an outage.
    return code === 'ERR_STORE_UNAVAILABLE' || code === 'ERR_ISSUER_UNAVAILABLE'
      ? 'unavailable'
      : 'failed'
  }
}

/**
 * Looks up the credentials of the tools that a message calls, so that a store outage is answered
 * before the handler instead of by each tool.
 */
export async function prepareCredentials(
  credentials: readonly PreparedCredentials[],
  principal: Principal,
  operations: readonly Operation[],
): Promise<Preparation> {
  const wanted = credentials.filter((each) =>
    operations.some(
      ({ kind, name }) => kind === 'tools' && name !== undefined && each.matches(name),
    ),
  )
  const results = await Promise.all(wanted.map((each) => resolveOne(each, principal)))
  if (results.includes('failed')) return 'failed'
  return results.includes('unavailable') ? 'unavailable' : 'ready'
}
