import type { BearerToken } from './formats.js'
import type { ConfigProblem } from './raw-environment.js'
import type { Environment } from './variables.js'

/** The ways in besides the embedded authorization server, each there when all its variables are set. */
export interface WaysIn {
  readonly cloudflareAccess?: {
    /** Team name, without `.cloudflareaccess.com`. */
    readonly team: string
    readonly audience: readonly string[]
    readonly serviceTokens: readonly string[]
  }
  readonly stytch?: { readonly projectId: string; readonly domain: string }
  readonly oidc?: { readonly issuer: string; readonly audience: readonly string[] }
  /** In the form that `localBearer` takes. */
  readonly bearer?: Readonly<Record<string, readonly BearerToken[]>>
}

const waysInVariables: readonly (readonly (keyof Environment)[])[] = [
  ['OAUTH_PROVIDER', 'OAUTH_CLIENT_ID', 'OAUTH_CLIENT_SECRET'],
  ['CF_ACCESS_TEAM_DOMAIN', 'CF_ACCESS_AUD'],
  ['STYTCH_PROJECT_ID', 'STYTCH_DOMAIN'],
  ['OIDC_ISSUER', 'OIDC_AUDIENCE'],
  ['MCP_BEARER_TOKENS'],
]

/** Variables that mean something only beside others. */
const companions: readonly {
  readonly variable: keyof Environment
  readonly beside: readonly (keyof Environment)[]
}[] = [
  {
    variable: 'CF_ACCESS_SERVICE_TOKENS',
    beside: ['CF_ACCESS_TEAM_DOMAIN', 'CF_ACCESS_AUD'],
  },
  ...(
    [
      'OAUTH_ISSUER',
      'OAUTH_SCOPES',
      'OAUTH_AUTH_URL',
      'OAUTH_TOKEN_URL',
      'OAUTH_USERINFO_URL',
    ] as const
  ).map((variable) => ({
    variable,
    beside: ['OAUTH_PROVIDER', 'OAUTH_CLIENT_ID', 'OAUTH_CLIENT_SECRET'] as const,
  })),
]

/** The choices in words, for a server without any. */
export const waysInChoices: string = waysInVariables
  .map((group) => group.join(' and '))
  .join('; or ')

/** Reports ways in of which some variables are set and others are not. */
export function checkWaysIn(
  values: Readonly<Record<string, string>>,
  problems: ConfigProblem[],
): void {
  for (const group of waysInVariables) {
    const present = group.filter((name) => values[name] !== undefined)
    if (present.length === 0) continue
    for (const variable of group) {
      if (values[variable] !== undefined) continue
      problems.push({ variable, message: `is missing: ${present.join(', ')} works only with it` })
    }
  }
  for (const { variable, beside } of companions) {
    if (values[variable] === undefined || beside.some((name) => values[name] !== undefined)) {
      continue
    }
    problems.push({ variable, message: `works only with ${beside.join(' and ')}` })
  }
}

/** Whether callers can be known by any of the ways in that have variables of their own. */
export function hasWayIn(env: Environment): boolean {
  return waysInVariables.some((group) => group.every((name) => env[name] !== undefined))
}

export function readWaysIn(env: Environment): WaysIn {
  const { CF_ACCESS_TEAM_DOMAIN: team, CF_ACCESS_AUD: audience } = env
  return {
    ...(team !== undefined && audience !== undefined
      ? {
          cloudflareAccess: { team, audience, serviceTokens: env.CF_ACCESS_SERVICE_TOKENS ?? [] },
        }
      : {}),
    ...(env.STYTCH_PROJECT_ID !== undefined && env.STYTCH_DOMAIN !== undefined
      ? { stytch: { projectId: env.STYTCH_PROJECT_ID, domain: env.STYTCH_DOMAIN } }
      : {}),
    ...(env.OIDC_ISSUER !== undefined && env.OIDC_AUDIENCE !== undefined
      ? { oidc: { issuer: env.OIDC_ISSUER, audience: env.OIDC_AUDIENCE } }
      : {}),
    ...(env.MCP_BEARER_TOKENS === undefined ? {} : { bearer: env.MCP_BEARER_TOKENS }),
  }
}
