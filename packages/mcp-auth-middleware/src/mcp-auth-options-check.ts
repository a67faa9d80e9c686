import { checkOptions, parseOptions } from './configuration.js'
import { type ConfigurationProblem, isAuthError } from './errors.js'
import { type McpAuthOptions, McpAuthOptionsSchema } from './mcp-auth-options.js'
import { checkAllowOptions } from './resource-server/allow-list.js'
import { DEFAULT_MESSAGE_BYTES } from './resource-server/message-budget.js'
import { checkOrigins } from './resource-server/origin.js'
import {
  checkResources,
  type NamedResource,
  type SharedResourceOptions,
} from './resource-server/resource-options.js'
import { checkValidatorSelectors } from './resource-server/select-validator.js'

/** The resources of the options, whether given as `resource` or as `resources`. */
export function namedResources(options: McpAuthOptions): readonly NamedResource[] {
  const { resource, resources } = options
  if (resource !== undefined) {
    const { localPath, resourceName: name, resourceDocumentation: documentation } = options
    return [{ id: resource, path: '', options: { localPath, name, documentation } }]
  }
  return Object.entries(resources ?? {}).map(([id, each]) => ({
    id,
    path: `resources[${JSON.stringify(id)}]`,
    options: each,
  }))
}

/** What the options say about all resources alike. */
export function sharedResourceOptions(options: McpAuthOptions): SharedResourceOptions {
  return {
    validators: options.validators,
    scopes: options.scopes,
    scopesSupported: options.scopesSupported,
    authorizationServers: options.authorizationServers,
    allowedOrigins: options.allowedOrigins,
    allowedHosts: options.allowedHosts,
    realm: options.challenge?.realm,
    resourceMetadataUri: options.challenge?.resourceMetadataUri ?? false,
    cache: options.cache ?? {},
  }
}

function checkResourceChoice(options: McpAuthOptions): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  const { resource, resources, rootMetadata } = options
  if ((resource === undefined) === (resources === undefined)) {
    problems.push({
      path: 'resource',
      message:
        resource === undefined
          ? 'is required: the exact URL that clients are given, for example https://mcp.example.com/mcp'
          : 'cannot stand beside resources; use one of them',
    })
  }
  if (resources !== undefined) {
    if (Object.keys(resources).length === 0) {
      problems.push({ path: 'resources', message: 'needs at least one resource' })
    }
    for (const name of ['localPath', 'resourceName', 'resourceDocumentation'] as const) {
      if (options[name] === undefined) continue
      problems.push({ path: name, message: 'belongs to `resource`; set it inside `resources`' })
    }
  }
  if (rootMetadata !== undefined && !Object.hasOwn(resources ?? {}, rootMetadata)) {
    problems.push({ path: 'rootMetadata', message: 'must be a key of resources' })
  }
  return problems
}

/** A public path that is the resource itself would open it to everybody. */
/** A path as a lenient router reads it: decoded, without regard to case and trailing slashes. */
function asRouted(path: string): string {
  let decoded = path
  try {
    decoded = decodeURIComponent(path)
  } catch {
    // Not decodable, so that no router decodes it either.
  }
  const segments = decoded.toLowerCase().split('/')
  return `/${segments.filter((segment) => segment !== '').join('/')}`
}

function checkPublicPaths(options: McpAuthOptions): ConfigurationProblem[] {
  const paths = new Map<string, string>()
  for (const { id, options: each } of namedResources(options)) {
    const path = each.localPath ?? (URL.canParse(id) ? new URL(id).pathname : undefined)
    if (path !== undefined) paths.set(asRouted(path), id)
  }
  return (options.publicPaths ?? []).flatMap((path, index) =>
    paths.has(asRouted(path))
      ? [
          {
            path: `publicPaths[${index}]`,
            message: `is where ${JSON.stringify(paths.get(asRouted(path)))} is served, which must stay guarded`,
          },
        ]
      : [],
  )
}

function checkMessageSizes(options: McpAuthOptions): ConfigurationProblem[] {
  const { maxMessageBytes = DEFAULT_MESSAGE_BYTES, maxMessageBytesAtOnce } = options
  if (maxMessageBytesAtOnce === undefined || maxMessageBytesAtOnce >= maxMessageBytes) return []
  return [
    {
      path: 'maxMessageBytesAtOnce',
      message: 'must be at least maxMessageBytes, or the longest message would never find room',
    },
  ]
}

/** Clients that search the whole challenge would take a name in the realm for a parameter. */
function checkRealm(realm: string | undefined): ConfigurationProblem[] {
  if (realm === undefined || !realm.includes('=')) return []
  return [
    {
      path: 'challenge.realm',
      message: 'must not contain =, which some clients would read as a parameter of the challenge',
    },
  ]
}

type OptionName = keyof McpAuthOptions

const RESOURCE_FIELDS = [
  'resource',
  'resources',
  'rootMetadata',
  'localPath',
  'resourceName',
  'resourceDocumentation',
] as const satisfies readonly OptionName[]

/** Problems of single fields, by the schema. */
function findMalformed(subject: string, options: unknown): readonly ConfigurationProblem[] {
  try {
    parseOptions(subject, McpAuthOptionsSchema, options)
    return []
  } catch (error) {
    if (!isAuthError(error) || !('problems' in error)) throw error
    // The brand and the member say that it is a ConfigurationError.
    return error.problems as readonly ConfigurationProblem[]
  }
}

/**
 * Checks the options of `createMcpAuth`: every field by itself, then the relations between those that
 * are well-formed, so that one error names everything.
 *
 * @throws {@link ConfigurationError} that lists every bad option.
 */
export function checkMcpAuthOptions(subject: string, options: McpAuthOptions): void {
  const malformed = findMalformed(subject, options)
  // Not an object at all: there are no fields to relate.
  if (malformed.some(({ path }) => path === '(options)')) checkOptions(subject, malformed)
  const bad = new Set(malformed.map(({ path }) => /^\w+/.exec(path)?.[0]))
  const relate = (
    fields: readonly OptionName[],
    check: () => readonly ConfigurationProblem[],
  ): readonly ConfigurationProblem[] => (fields.some((name) => bad.has(name)) ? [] : check())

  checkOptions(subject, [
    ...malformed,
    ...relate(RESOURCE_FIELDS, () => checkResourceChoice(options)),
    ...relate(
      [...RESOURCE_FIELDS, 'validators', 'scopes', 'scopesSupported', 'authorizationServers'],
      () => checkResources(namedResources(options), sharedResourceOptions(options)),
    ),
    ...relate([...RESOURCE_FIELDS, 'publicPaths'], () => checkPublicPaths(options)),
    ...relate(['validators'], () => checkValidatorSelectors(options.validators)),
    ...relate(['allow'], () =>
      options.allow === undefined ? [] : checkAllowOptions(options.allow),
    ),
    ...relate(['challenge'], () => checkRealm(options.challenge?.realm)),
    ...relate(['maxMessageBytes', 'maxMessageBytesAtOnce'], () => checkMessageSizes(options)),
    ...relate(['allowedOrigins'], () =>
      checkOrigins('allowedOrigins', options.allowedOrigins ?? []),
    ),
  ])
}
