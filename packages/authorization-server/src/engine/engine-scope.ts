import { AsyncLocalStorage } from 'node:async_hooks'
import type { CountFetch } from './find-document.js'

/** What one request to the engine leaves behind for the code around it. */
export interface EngineScope {
  /** First failure of the storage. The engine hides it behind `server_error`. */
  failure: unknown
  /** Do not revoke the grant although the engine finds its code or refresh token used. */
  readonly spareGrant: boolean
  /** The engine passed all its checks and would have revoked, had it not been for `spareGrant`. */
  spared: boolean
  /** Grants that were revoked during the request. */
  readonly revokedGrants: Set<string>
  /** The client sent a signed assertion instead of only its id. */
  hasAssertion: boolean
  /** Counts what is fetched for the request. */
  countFetch: CountFetch | undefined
  /** Client that the engine authenticated. */
  clientId: string | undefined
}

const scopes = new AsyncLocalStorage<EngineScope>()

/** Creates the scope of one request. */
export function createEngineScope(options: { readonly spareGrant?: boolean } = {}): EngineScope {
  return {
    failure: undefined,
    spareGrant: options.spareGrant ?? false,
    spared: false,
    revokedGrants: new Set(),
    hasAssertion: false,
    countFetch: undefined,
    clientId: undefined,
  }
}

/** Runs one request in its scope. */
export function runInScope<Value>(scope: EngineScope, run: () => Promise<Value>): Promise<Value> {
  return scopes.run(scope, run)
}

/** The scope of the request that is being answered, if any. */
export function currentScope(): EngineScope | undefined {
  return scopes.getStore()
}
