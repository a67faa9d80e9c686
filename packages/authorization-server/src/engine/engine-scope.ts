import { AsyncLocalStorage } from 'node:async_hooks'
import type { ClientMetadata } from '../clients/client-policy.js'
import type { CountFetch } from './find-document.js'
import type { ScopeDecision } from './scope-decision.js'
import type { UsedJwt } from './single-use.js'

/** Metadata documents by the ids of their clients. */
export type Documents = ReadonlyMap<string, ClientMetadata>

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
  /** Whether documents and keys of clients may be fetched. Not in a transaction, which must not wait for others. */
  readonly mayFetch: boolean
  /** Documents that were read before. */
  readonly documents: Documents
  /** What the policy of the application said before about a refresh. */
  readonly scopeDecision: ScopeDecision | undefined
  /** Proofs and assertions whose first use this was. */
  readonly usedJwts: UsedJwt[]
  /** Client that the engine authenticated. */
  clientId: string | undefined
  /** Digest of the browser. What it begins is bound to it, and only such interactions are found. */
  readonly browser: string | undefined
  /** The session of the browser was ended by somebody else during the request. */
  hasSessionEnded: boolean
}

const scopes = new AsyncLocalStorage<EngineScope>()

/** Creates the scope of one request. */
export function createEngineScope(
  options: Partial<
    Pick<
      EngineScope,
      'spareGrant' | 'mayFetch' | 'documents' | 'scopeDecision' | 'countFetch' | 'browser'
    >
  > = {},
): EngineScope {
  return {
    failure: undefined,
    spareGrant: options.spareGrant ?? false,
    spared: false,
    revokedGrants: new Set(),
    hasAssertion: false,
    countFetch: options.countFetch,
    mayFetch: options.mayFetch ?? true,
    documents: options.documents ?? new Map(),
    scopeDecision: options.scopeDecision,
    usedJwts: [],
    clientId: undefined,
    browser: options.browser,
    hasSessionEnded: false,
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
