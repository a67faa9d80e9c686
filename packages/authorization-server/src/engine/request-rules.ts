import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider'
import { ALLOWED_SCOPES } from './adapter.js'
import type { EngineParts } from './parts.js'
import { IDENTITY_SCOPES } from './resources.js'
import { decidedScopes } from './scope-decision.js'

const MAX_STATE = 4096
const MAX_SCOPE = 4096

function scopesOf(text: unknown): string[] {
  return typeof text === 'string' ? text.split(' ').filter((scope) => scope !== '') : []
}

/** Limits, default scopes, and unknown scopes dropped. Runs after the redirect URI was checked. */
export function applyRequestRules(parts: EngineParts, { oidc }: KoaContextWithOIDC): void {
  const params = oidc.params
  if (params === undefined) return
  if (typeof params.state === 'string' && params.state.length > MAX_STATE) {
    params.state = undefined
    throw new errors.InvalidRequest('state is too long')
  }
  if (typeof params.scope === 'string' && params.scope.length > MAX_SCOPE) {
    throw new errors.InvalidScope('scope is too long', '')
  }
  const servers = Object.keys(oidc.resourceServers ?? {}).map((id) => parts.resources.find(id))
  const known = new Set(servers.flatMap((server) => [...(server?.scopes.keys() ?? [])]))
  const identity = new Set<string>(IDENTITY_SCOPES)
  const requested = scopesOf(params.scope).filter(
    (scope) => known.has(scope) || identity.has(scope),
  )
  const defaults = requested.some((scope) => known.has(scope))
    ? []
    : servers.flatMap((server) => server?.defaultScopes ?? [])
  params.scope = [...new Set([...requested, ...defaults])].join(' ')
}

/** Describes one resource to the engine, with the scopes that this request may have of it. */
export async function findResource(
  parts: EngineParts,
  ctx: KoaContextWithOIDC,
  identifier: string,
): Promise<ResourceServer> {
  const definition = parts.resources.find(identifier)
  if (definition === undefined) throw new errors.InvalidTarget()
  let scopes: readonly string[] = [...definition.scopes.keys()]
  const { oidc } = ctx
  const { client } = oidc
  if (parts.scopePolicy !== undefined && oidc.params?.grant_type === 'refresh_token') {
    scopes = decidedScopes(ctx, definition.resource)
  }
  if (oidc.params?.grant_type === 'client_credentials') {
    // No person decides here, so only what the operator wrote down for the client counts.
    const allowed = scopesOf(client?.[ALLOWED_SCOPES])
    scopes = scopes.filter((scope) => allowed.includes(scope))
    oidc.params.scope ??= scopes.join(' ')
    const given = scopesOf(oidc.params.scope).filter((scope) => scopes.includes(scope))
    // A token without a scope would say yes and then open nothing.
    if (given.length === 0) {
      throw new errors.InvalidScope('the client may have none of these scopes here', '')
    }
  }
  return {
    scope: scopes.join(' '),
    audience: definition.resource,
    accessTokenTTL: parts.lifetimes.accessToken,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg: parts.algorithm } },
  }
}
