import { createMcpAuth, type McpAuth } from '../../src/create-mcp-auth.js'
import { StoreUnavailableError } from '../../src/errors.js'
import type { AuthEvent } from '../../src/events.js'
import type { McpAuthOptions } from '../../src/mcp-auth-options.js'
import type { Principal } from '../../src/principal.js'
import {
  type CloudflareAccessOptions,
  cloudflareAccess,
} from '../../src/validators/cloudflare-access.js'
import { type JwtOptions, jwt } from '../../src/validators/jwt.js'
import { type LocalBearerTokens, localBearer } from '../../src/validators/local-bearer.js'
import type { TokenValidator, Verdict } from '../../src/validators/validator.js'

/*
 * One description of a protected server that every host kind can be started from. It is plain JSON,
 * since the Workers host gets it as text; code that runs in the worker must not import node modules.
 */

/** What the table validator answers to one token. */
export type VerdictSpec =
  | { readonly principal: Partial<Principal>; readonly resource?: string; readonly reuse?: boolean }
  | { readonly rejected: string }
  | { readonly forbidden: string }
  | { readonly unavailable: number }
  | { readonly broken: 'throws' | 'no-verdict' | 'no-principal' | 'odd-kind' | 'bad-principal' }

export interface TableSpec {
  readonly kind: 'table'
  readonly name?: string
  readonly selects: {
    readonly prefixes?: readonly string[]
    readonly opaque?: boolean
    readonly header?: { readonly name: string; readonly cookie?: string; readonly wins: boolean }
  }
  readonly authorizationServers?: readonly string[]
  readonly scopeSource?: TokenValidator['scopeSource']
  readonly challengesAtEdge?: boolean
  /** Answers by a promise, so that the body may arrive before the verdict. Default false. */
  readonly delayMs?: number
  readonly tokens: Readonly<Record<string, VerdictSpec>>
}

export type ValidatorSpec =
  | TableSpec
  | { readonly kind: 'jwt'; readonly options: Omit<JwtOptions, 'fetch' | 'now' | 'grantScopes'> }
  | { readonly kind: 'local'; readonly tokens: LocalBearerTokens }
  | {
      readonly kind: 'cloudflare'
      readonly options: Omit<CloudflareAccessOptions, 'fetch' | 'now' | 'grantScopes'>
      /** Where the team's keys really are. */
      readonly certs: string
    }

export interface Scenario {
  readonly options: Omit<
    McpAuthOptions,
    'validators' | 'revocation' | 'onEvent' | 'fetch' | 'now' | 'credentials'
  >
  readonly validators: readonly ValidatorSpec[]
  /** Asks the host's list of revoked subjects. */
  readonly revocable?: boolean
  /** The upstream credential of tools named `stored_*`: found, or its store is down. */
  readonly credential?: 'found' | 'unavailable' | 'failed'
  /** Express only: parsers in front of and behind the guard. */
  readonly parser?: {
    readonly before?: 'json' | 'text' | 'raw' | 'urlencoded'
    readonly after?: 'json' | 'text'
  }
  /** Express only. `parts`: metadata at the root and the guard on `/mcp`, `/open` is not guarded. */
  readonly mount?: 'app' | 'parts' | 'twice' | 'router'
}

/** One run of the handler. */
export interface HandlerCall {
  readonly method: string
  readonly target: string
  /** `null` when nobody was named; the Workers host sends this as JSON. */
  readonly caller: { readonly issuer: string; readonly subject: string } | null
}

/** What a host has seen since it was asked last. */
export interface Recording {
  readonly events: readonly AuthEvent[]
  readonly calls: readonly HandlerCall[]
}

export interface Recorder {
  readonly events: AuthEvent[]
  readonly calls: HandlerCall[]
  readonly revoked: Set<string>
}

export function createRecorder(): Recorder {
  return { events: [], calls: [], revoked: new Set() }
}

export function takeRecording(recorder: Recorder): Recording {
  return { events: recorder.events.splice(0), calls: recorder.calls.splice(0) }
}

/** Issuer of every principal of a table validator. */
export const TABLE_ISSUER = 'https://table.test'

function toVerdict(spec: VerdictSpec | undefined, now: number): Verdict {
  if (spec === undefined) return { kind: 'rejected', reason: 'unknown_token' }
  if ('rejected' in spec) return { kind: 'rejected', reason: spec.rejected }
  if ('forbidden' in spec) return { kind: 'forbidden', reason: spec.forbidden }
  if ('unavailable' in spec) return { kind: 'unavailable', retryAfterSeconds: spec.unavailable }
  if ('broken' in spec) {
    if (spec.broken === 'throws') throw new Error('a secret of the machine: /etc/canary')
    const verdicts: Record<string, unknown> = {
      'no-verdict': undefined,
      'no-principal': { kind: 'accepted' },
      'odd-kind': { kind: 'ok', principal: {} },
      'bad-principal': { kind: 'accepted', principal: { issuer: '', subject: '' } },
    }
    // The one place where a validator breaks its type, as one written in JavaScript can.
    return verdicts[spec.broken] as Verdict
  }
  const principal: Principal = {
    issuer: TABLE_ISSUER,
    subject: 'ann',
    kind: 'user',
    scopes: [],
    claims: {},
    ...spec.principal,
  }
  return {
    kind: 'accepted',
    principal,
    ...(spec.resource === undefined ? undefined : { resource: spec.resource }),
    ...(spec.reuse === true ? { reuse: { until: now + 60_000 } } : undefined),
  }
}

function tableValidator(spec: TableSpec): TokenValidator {
  const { delayMs, tokens } = spec
  return {
    name: spec.name ?? 'table',
    selects: spec.selects,
    authorizationServers: spec.authorizationServers ?? [],
    scopeSource: spec.scopeSource ?? 'token',
    resourceBinding: 'audience',
    challengesAtEdge: spec.challengesAtEdge,
    validate(credential, { now }) {
      const found = Object.hasOwn(tokens, credential) ? tokens[credential] : undefined
      if (delayMs === undefined) return toVerdict(found, now)
      return new Promise((resolve, reject) => {
        setTimeout(() => {
          try {
            resolve(toVerdict(found, now))
          } catch (error) {
            reject(error)
          }
        }, delayMs)
      })
    },
  }
}

function createValidator(spec: ValidatorSpec): TokenValidator {
  switch (spec.kind) {
    case 'table':
      return tableValidator(spec)
    case 'jwt':
      return jwt(spec.options)
    case 'local':
      return localBearer(spec.tokens)
    case 'cloudflare':
      return cloudflareAccess({
        ...spec.options,
        fetch: (_url, init) => fetch(spec.certs, init),
      })
  }
}

/** Builds the server's auth, with everything that it reports kept in the recorder. */
export function createScenarioAuth(scenario: Scenario, recorder: Recorder): McpAuth {
  const { credential } = scenario
  return createMcpAuth({
    ...scenario.options,
    validators: scenario.validators.map(createValidator),
    onEvent: (event) => recorder.events.push(event),
    ...(scenario.revocable === true && {
      revocation: {
        check: ({ subject }) => (recorder.revoked.has(subject) ? 'revoked' : 'active'),
      },
    }),
    ...(credential !== undefined && {
      credentials: [
        {
          matches: (tool) => tool.startsWith('stored_'),
          resolve: async () => {
            if (credential === 'failed') throw new Error('sealed under another key')
            if (credential === 'unavailable') throw new StoreUnavailableError('canary of the store')
            return { kind: 'found' }
          },
        },
      ],
    }),
  })
}
