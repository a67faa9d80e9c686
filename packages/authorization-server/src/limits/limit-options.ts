import type { ConfigurationProblem } from '@bestviable/mcp-auth-middleware'

/** How often something may be done. */
export interface RateLimit {
  /** Uses in one window; 1 to 1,000,000. */
  readonly points: number
  /** Length of the window, which begins with the first use, in seconds; 1 to 86,400. */
  readonly durationSeconds: number
}

/**
 * Limits by what they count. `false` turns one off. An address is an IPv4 address or an IPv6 /64.
 *
 * Hosted clients such as ChatGPT and Claude call from addresses that all their users share, so whatever
 * they call is generous, and what tells them apart is a limit of its own.
 */
export interface RateLimitOptions {
  /** Pages that a browser asks for, by address; a sign-in is about ten. Default 600 in 60 s. */
  readonly pages?: RateLimit | false | undefined
  /** Failed sign-ins and refused API tokens, by address. Default 5 in 300 s. */
  readonly signIn?: RateLimit | false | undefined
  /** Fetches of client metadata documents that are not cached, by address. Default 20 in 60 s. */
  readonly clientDocuments?: RateLimit | false | undefined
  /** New registrations, by address. A repeated one does not count. Default 1000 in 3600 s. */
  readonly register?: RateLimit | false | undefined
  /** New registrations, by address and redirect hosts. Default 200 in 3600 s. */
  readonly registerPerHost?: RateLimit | false | undefined
  /**
   * Requests to the token, revocation, userinfo, introspection and PAR endpoints, by address. Not those
   * for introspection of `resourceServerClients`. Default 3000 in 60 s.
   */
  readonly token?: RateLimit | false | undefined
  /** The same but userinfo, by address and client. Default 1200 in 60 s. */
  readonly tokenPerClient?: RateLimit | false | undefined
  /** Failed client authentications, by address and client. Default 10 in 300 s. */
  readonly clientAuthentication?: RateLimit | false | undefined
}

/** Name of a limit. */
export type LimitName = keyof RateLimitOptions

/** Every limit; `undefined` for one that is off. */
export type LimitSettings = Readonly<Record<LimitName, RateLimit | undefined>>

const DEFAULTS: Readonly<Record<LimitName, RateLimit>> = {
  pages: { points: 600, durationSeconds: 60 },
  signIn: { points: 5, durationSeconds: 300 },
  clientDocuments: { points: 20, durationSeconds: 60 },
  register: { points: 1000, durationSeconds: 3600 },
  registerPerHost: { points: 200, durationSeconds: 3600 },
  token: { points: 3000, durationSeconds: 60 },
  tokenPerClient: { points: 1200, durationSeconds: 60 },
  clientAuthentication: { points: 10, durationSeconds: 300 },
}

/** The names of all limits. */
export const LIMIT_NAMES = Object.keys(DEFAULTS) as readonly LimitName[]

const MEMBERS = { points: 1_000_000, durationSeconds: 86_400 } as const

function limitProblems(path: string, limit: unknown): ConfigurationProblem[] {
  if (limit === undefined || limit === false) return []
  if (typeof limit !== 'object' || limit === null) {
    return [{ path, message: 'must be { points, durationSeconds }, or false' }]
  }
  const unknown = Object.keys(limit)
    .filter((name) => !Object.hasOwn(MEMBERS, name))
    .map((name) => ({ path: `${path}.${name}`, message: 'unknown option; check its spelling' }))
  const wrong = Object.entries(MEMBERS).flatMap(([name, most]) => {
    const value: unknown = Reflect.get(limit, name)
    const isRight = Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most
    const message = `must be a whole number from 1 to ${most}`
    return isRight ? [] : [{ path: `${path}.${name}`, message }]
  })
  return [...unknown, ...wrong]
}

/** What is wrong with the option `rateLimits`. */
export function rateLimitProblems(rateLimits: unknown): ConfigurationProblem[] {
  if (rateLimits === undefined || rateLimits === false) return []
  if (typeof rateLimits !== 'object' || rateLimits === null || Array.isArray(rateLimits)) {
    return [{ path: 'rateLimits', message: 'must map limits to { points, durationSeconds }' }]
  }
  return Object.entries(rateLimits).flatMap(([name, limit]: [string, unknown]) => {
    const path = `rateLimits.${name}`
    return Object.hasOwn(DEFAULTS, name)
      ? limitProblems(path, limit)
      : [{ path, message: 'unknown option; check its spelling' }]
  })
}

/** Fills checked options with the defaults. */
export function limitSettings(rateLimits: RateLimitOptions | false | undefined): LimitSettings {
  const settingOf = (name: LimitName): RateLimit | undefined => {
    const given = rateLimits === false ? false : rateLimits?.[name]
    return given === false ? undefined : (given ?? DEFAULTS[name])
  }
  const entries = LIMIT_NAMES.map((name) => [name, settingOf(name)])
  return Object.fromEntries(entries) as LimitSettings
}
