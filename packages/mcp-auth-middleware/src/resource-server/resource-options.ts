import type { ConfigurationProblem } from '../errors.js'
import {
  createVerifiedTokenCache,
  type VerifiedTokenCacheOptions,
} from '../jwt/verified-token-cache.js'
import {
  metadataLocations,
  type ProtectedResourceMetadata,
} from '../metadata/protected-resource-metadata.js'
import type { TokenValidator } from '../validators/validator.js'
import { createScopeReader } from './granted-scopes.js'
import { checkScopeOptions, createScopePolicy, type ScopeOptions } from './operation-scopes.js'
import { createOriginPolicy, isLoopbackHost } from './origin.js'
import { checkResourceUrl, type ProtectedResource } from './protected-resource.js'
import { createRefusals } from './responses.js'
import { checkScopeList, createScopeHierarchy } from './scope.js'

/** Settings of one resource. */
export interface ResourceOptions {
  /** Path under which requests arrive, when a proxy strips a prefix. Default: the URL's path. */
  readonly localPath?: string | undefined
  /** Scopes of this resource. Default: the `scopes` of the whole server. */
  readonly scopes?: ScopeOptions | undefined
  /** Scopes to publish. Default `scopes.initial`, else `scopes.required`: keep it minimal. */
  readonly scopesSupported?: readonly string[] | undefined
  /** Issuers to publish. Default: `authorizationServers` of the whole server. */
  readonly authorizationServers?: readonly string[] | undefined
  /** Human-readable name (`resource_name`). */
  readonly name?: string | undefined
  /** URL of a page for developers (`resource_documentation`). */
  readonly documentation?: string | undefined
}

/** What all resources of a server share. */
export interface SharedResourceOptions {
  readonly validators: readonly TokenValidator[]
  readonly scopes: ScopeOptions | undefined
  readonly scopesSupported: readonly string[] | undefined
  readonly authorizationServers: readonly string[] | undefined
  readonly allowedOrigins: readonly string[] | undefined
  readonly allowedHosts: readonly string[] | undefined
  readonly realm: string | undefined
  readonly resourceMetadataUri: boolean
  readonly cache: VerifiedTokenCacheOptions | false
}

/** Resources as configured: one `resource`, or several `resources`, by identifier and path. */
export interface NamedResource {
  readonly id: string
  /** Path of its options, for messages. */
  readonly path: string
  readonly options: ResourceOptions
}

function issuersOf(validators: readonly TokenValidator[]): readonly string[] {
  return [...new Set(validators.flatMap(({ authorizationServers }) => authorizationServers))]
}

function checkAuthorizationServer(path: string, issuer: string): ConfigurationProblem[] {
  const problem = (message: string): ConfigurationProblem[] => [{ path, message }]
  try {
    const url = new URL(issuer)
    if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) return problem('must use https')
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return problem('must use https')
    if (issuer.includes('#') || issuer.includes('?')) {
      return problem('must not have a query or a fragment (RFC 8414 section 2)')
    }
    if (url.username !== '' || url.password !== '') return problem('must not contain credentials')
    return []
  } catch {
    return problem('is not an absolute URL; write the issuer exactly as its metadata does')
  }
}

function checkAdvertised(
  path: string,
  advertised: readonly string[] | undefined,
  validators: readonly TokenValidator[],
): ConfigurationProblem[] {
  const known = issuersOf(validators)
  if (advertised === undefined) {
    return known.length <= 1
      ? known.flatMap((issuer) => checkAuthorizationServer(path, issuer))
      : [
          {
            path,
            message: `is required, since the validators name several issuers (${known.join(', ')}); clients use the first one listed`,
          },
        ]
  }
  if (advertised.length === 0) {
    return [{ path, message: 'must not be empty; leave it out to advertise none' }]
  }
  // A validator without issuers, such as opaque tokens, may stand behind any authorization server.
  const closed = validators.every(({ authorizationServers, selects }) =>
    selects.opaque === true || selects.prefixes !== undefined
      ? authorizationServers.length > 0
      : true,
  )
  return advertised.flatMap((issuer, index) => {
    const problems = checkAuthorizationServer(`${path}[${index}]`, issuer)
    if (problems.length === 0 && closed && !known.includes(issuer)) {
      return [
        {
          path: `${path}[${index}]`,
          message: `no validator accepts tokens of this issuer; compare it character by character with ${known.map((each) => JSON.stringify(each)).join(', ') || 'the validators'}`,
        },
      ]
    }
    return problems
  })
}

function checkLocalPath(path: string, localPath: string | undefined): ConfigurationProblem[] {
  if (localPath === undefined) return []
  return /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]+(?:\/[A-Za-z0-9\-._~!$&'()*+,;=:@]+)*)?$/.test(
    localPath,
  )
    ? []
    : [
        {
          path,
          message: 'must start with / and have no trailing slash, query or encoded characters',
        },
      ]
}

/** Reports everything about the resources that would make clients fail or leave something open. */
export function checkResources(
  resources: readonly NamedResource[],
  shared: SharedResourceOptions,
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  const places = new Map<string, string>()

  for (const { id, path, options } of resources) {
    const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
    const urlProblems = checkResourceUrl(path === '' ? 'resource' : path, id)
    problems.push(...urlProblems, ...checkLocalPath(at('localPath'), options.localPath))

    const scopes = options.scopes ?? shared.scopes
    const scopesPath = options.scopes === undefined ? 'scopes' : at('scopes')
    const scopeProblems = checkScopeOptions(scopesPath, scopes ?? {})
    problems.push(...scopeProblems)
    const supported = options.scopesSupported ?? shared.scopesSupported ?? []
    problems.push(...checkScopeList(at('scopesSupported'), supported))
    if (scopeProblems.length === 0 && createScopePolicy(scopes ?? {}).asksForScopes) {
      shared.validators.forEach((validator, index) => {
        if (validator.scopeSource !== 'none') return
        problems.push({
          path: `validators[${index}]`,
          message: `${validator.name} yields no scopes, so ${scopesPath} would refuse all its callers; give it grantScopes`,
        })
      })
    }

    const advertised = options.authorizationServers ?? shared.authorizationServers
    problems.push(
      ...checkAdvertised(
        options.authorizationServers === undefined
          ? 'authorizationServers'
          : at('authorizationServers'),
        advertised,
        shared.validators,
      ),
    )
    if (options.documentation !== undefined && !/^https?:\/\//.test(options.documentation)) {
      const name = path === '' ? 'resourceDocumentation' : at('documentation')
      problems.push({ path: name, message: 'must be an absolute URL' })
    }
    if (urlProblems.length > 0) continue
    const url = new URL(id)
    const place = `${url.host} ${options.localPath ?? url.pathname}`
    const other = places.get(place)
    if (other !== undefined) {
      problems.push({ path, message: `arrives at the same host and path as ${other}` })
    }
    places.set(place, id)
  }
  return problems.filter(
    (problem, index) =>
      problems.findIndex(
        (each) => each.path === problem.path && each.message === problem.message,
      ) === index,
  )
}

/** Builds the resources. Call {@link checkResources} first. */
export function buildResources(
  resources: readonly NamedResource[],
  shared: SharedResourceOptions,
): readonly ProtectedResource[] {
  const readsCookies = shared.validators.some(({ selects }) => selects.header?.cookie !== undefined)

  return resources.map(({ id, options }) => {
    const url = new URL(id)
    const localPath = options.localPath ?? url.pathname
    const scopes = options.scopes ?? shared.scopes ?? {}
    const policy = createScopePolicy(scopes)
    const authorizationServers =
      options.authorizationServers ?? shared.authorizationServers ?? issuersOf(shared.validators)
    const advertises = authorizationServers.length > 0
    const { metadataUrl, metadataPaths } = metadataLocations(url, localPath)
    const supported = options.scopesSupported ?? shared.scopesSupported ?? policy.initial
    const metadata: ProtectedResourceMetadata = {
      resource: id,
      authorization_servers: authorizationServers,
      ...(supported.length === 0 ? undefined : { scopes_supported: supported }),
      bearer_methods_supported: ['header'],
      ...(options.name === undefined ? undefined : { resource_name: options.name }),
      ...(options.documentation === undefined
        ? undefined
        : { resource_documentation: options.documentation }),
    }
    return {
      id,
      url,
      localPath,
      metadataUrl: advertises ? metadataUrl : undefined,
      metadataPaths,
      metadataDocument: advertises ? JSON.stringify(metadata) : undefined,
      authorizationServers,
      policy,
      readScopes: createScopeReader(createScopeHierarchy(scopes.implies ?? {})),
      origins: createOriginPolicy({
        resource: url,
        allowedOrigins: shared.allowedOrigins,
        allowedHosts: shared.allowedHosts,
        readsCookies,
      }),
      refusals: createRefusals({
        resourceMetadata: advertises ? metadataUrl : undefined,
        scope: advertises ? policy.initial : [],
        realm: shared.realm,
        resourceMetadataUri: shared.resourceMetadataUri,
      }),
      cache: shared.cache === false ? undefined : createVerifiedTokenCache(shared.cache),
    }
  })
}
