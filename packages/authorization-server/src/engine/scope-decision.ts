import type { KoaContextWithOIDC } from 'oidc-provider'
import { claimedClient } from '../limits/client-limits.js'
import type { Engine } from './engine.js'
import { createEngineScope, currentScope, type Documents, runInScope } from './engine-scope.js'
import type { EndpointRequest } from './http.js'
import type { ResourceDefinition } from './resources.js'

/** What the policy of the application said about a refresh, and what it was asked about. */
export interface ScopeDecision {
  readonly userId: string
  readonly clientId: string
  readonly resource: string
  /** Scope of the refresh token. */
  readonly tokenScope: string
  readonly granted: readonly string[]
}

function scopesOfResource(tokenScope: string, { scopes }: ResourceDefinition): string[] {
  return tokenScope.split(' ').filter((scope) => scopes.has(scope))
}

/**
 * Asks the policy of the application about a refresh. To be called before the transaction of the request:
 * the policy may use the same embedded database, which has one session.
 *
 * @returns `undefined` when there is nothing to ask; the engine then refuses the request, if need be.
 */
export async function askScopePolicy(
  { parts, provider }: Engine,
  request: EndpointRequest,
  form: URLSearchParams,
  documents: Documents,
): Promise<ScopeDecision | undefined> {
  const { scopePolicy, storage, resources } = parts
  const refreshToken = form.get('refresh_token') ?? ''
  if (scopePolicy === undefined || form.get('grant_type') !== 'refresh_token') return undefined
  if (refreshToken === '') return undefined
  const record = await storage.records('RefreshToken').find(refreshToken)
  const { accountId: userId, clientId, scope: tokenScope = '', consumed } = record ?? {}
  if (userId === undefined || clientId === undefined || consumed !== undefined) return undefined
  if (claimedClient(request, form) !== clientId) return undefined

  const granted = [record?.resource ?? []].flat()
  const named = form.get('resource') || granted[0]
  if (named === undefined || !granted.includes(named)) return undefined
  const definition = resources.find(named)
  const user = await storage.users.find(userId)
  const scope = createEngineScope({ documents, mayFetch: false })
  const client = await runInScope(scope, () => provider.Client.find(clientId))
  if (definition === undefined || user === undefined || client === undefined) return undefined

  const { resource } = definition
  const requested = scopesOfResource(tokenScope, definition)
  const { clientName } = client
  const asked = { user, client: { clientId, clientName }, resource, requested }
  const allowed = new Set(await scopePolicy(asked))
  const kept = requested.filter((each) => allowed.has(each))
  return { userId, clientId, resource, tokenScope, granted: kept }
}

/** The scopes that the policy lets a refresh have of a resource. */
export function decidedScopes({ oidc }: KoaContextWithOIDC, resource: string): readonly string[] {
  const decision = currentScope()?.scopeDecision
  const isSame =
    decision !== undefined &&
    decision.userId === oidc.account?.accountId &&
    decision.clientId === oidc.client?.clientId &&
    decision.tokenScope === (oidc.refreshToken?.scope ?? '') &&
    decision.resource === resource
  // What a token stands for never changes, so this cannot happen; nothing may be given for it.
  if (!isSame) throw new TypeError('the scope policy was asked about another refresh')
  return decision.granted
}
