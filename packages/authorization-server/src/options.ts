import {
  ConfigurationError,
  type ConfigurationProblem,
  isAuthError,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { type EncryptionKey, parseEncryptionKeys } from '@bestviable/mcp-auth-middleware/envelope'
import type { Database } from '@bestviable/mcp-auth-store-postgres'
import type { RedirectPolicy } from './clients/client-policy.js'
import { describeIssue } from './describe-issue.js'
import type { AuthorizationServerEvent } from './engine/events.js'
import { issuerProblem, loginProblems, resourceProblems } from './engine/option-problems.js'
import type { Lifetimes, ScopePolicy } from './engine/parts.js'
import { type TrustProxy, trustProxyProblems } from './limits/client-address.js'
import { type RateLimitOptions, rateLimitProblems } from './limits/limit-options.js'
import type { AdmissionRules, ApiTokenLogin, LoginProvider } from './login/login-provider.js'
import type { FirstAdmin } from './management/first-admin.js'
import { optionsSchema } from './option-schema.js'
import { MAX_NAME, type PagesOptions, pagesProblems } from './pages/options.js'

export const SUBJECT = 'createAuthorizationServer'

/** Options for `createAuthorizationServer`. */
export interface AuthorizationServerOptions {
  /** Public origin, for example `https://coda.example.com`: no path and no slash at its end. */
  readonly issuer: string
  /** Connection string of PostgreSQL, or a database made by `createDatabase`. */
  readonly database: string | Database | undefined
  /** Key-encryption keys, 32 bytes each in base64, separated by commas. The first one is current. */
  readonly encryptionKeys: string | undefined
  /** What tokens are for: identifier of each resource, with its scopes in words. */
  readonly resources: Readonly<Record<string, ResourceOption>>
  /** Ways to sign in, in the order of the page. */
  readonly login: readonly LoginProvider[]
  /** Who may come in. Not needed where `devLogin` is the only way in. */
  readonly allow?: AdmissionRules | undefined
  /**
   * Invited as an admin at start, unless somebody with this e-mail is known already. Bound at the first
   * verified sign-in with it.
   */
  readonly firstAdmin?: FirstAdmin | undefined
  /** Step after sign-in in which a person connects an upstream account, made by `apiTokenLogin`. */
  readonly connect?: ApiTokenLogin | undefined
  /** Whether `connect` may be left out. Default false. */
  readonly connectOptional?: boolean | undefined
  /** Where pasted tokens are kept; needed by `connect` and by `apiTokenLogin` as a login. */
  readonly credentials?: TokenStore | undefined
  /** Which redirect URIs clients may have. */
  readonly redirectPolicy?: RedirectPolicy | undefined
  /** RFC 7591 registration by anybody. Default true. */
  readonly dynamicRegistration?: boolean | undefined
  /** After how many days without use a registration that holds no grant goes. Default 90, 1 to 3650. */
  readonly unusedClientDays?: number | undefined
  /**
   * After how many days an event of the audit trail goes, of whatever store in the schema; `false` keeps
   * all. Default 90, 1 to 3650.
   */
  readonly auditRetentionDays?: number | false | undefined
  /** Client ids that are https URLs of metadata documents. Default true. */
  readonly clientDocuments?: boolean | undefined
  /** Lifetimes to use in place of the defaults, in seconds. */
  readonly lifetimes?: Partial<Lifetimes> | undefined
  /** Decides which of the asked scopes a user gets, at consent and at each refresh. Default: all. */
  readonly scopePolicy?: ScopePolicy | undefined
  /** `once` a session and app, or `always`. Apps on the user's own machine are asked for always. */
  readonly consent?: 'once' | 'always' | undefined
  /** Default `ES256`. */
  readonly signingAlgorithm?: 'ES256' | 'RS256' | undefined
  /** RFC 9126. Default false. */
  readonly pushedAuthorizationRequests?: boolean | undefined
  /**
   * RFC 9449: binds the tokens of clients that send a proof to the key of that proof. Default false. Such
   * tokens work where proofs are verified: `mcpAuth` does with its option `dpop`, and refuses them without.
   */
  readonly dpop?: boolean | undefined
  /** Ids of registered clients that may introspect every token. */
  readonly resourceServerClients?: readonly string[] | undefined
  /**
   * How often what may be done. `false` turns all limits off, for tests and where a proxy has its own.
   * Counted in the database where that is a PostgreSQL, otherwise in this process.
   */
  readonly rateLimits?: RateLimitOptions | false | undefined
  /**
   * Proxies in front whose `X-Forwarded-For` is believed, for the limits only: their number, or a list of
   * their addresses. Default: none, the address of the connection counts. URLs never depend on it.
   */
  readonly trustProxy?: TrustProxy | undefined
  /** How the pages look. Default: the host of the issuer as their name. */
  readonly brand?: PagesOptions['brand'] | undefined
  /** Texts to use in place of the English ones. */
  readonly texts?: PagesOptions['texts'] | undefined
  /** Told of everything that happens, never with a credential. */
  readonly onEvent?: ((event: AuthorizationServerEvent) => unknown) | undefined
  /**
   * Current time in epoch milliseconds. Default `Date.now`. The protocol engine reads `Date.now` itself,
   * so another clock must agree with that one.
   */
  readonly now?: (() => number) | undefined
}

/** One resource. */
export interface ResourceOption {
  /** Scope to a description that completes the sentence "It will be able to". */
  readonly scopes: Readonly<Record<string, string>>
  /** Granted to clients that ask for no scope. Default: all. */
  readonly defaultScopes?: readonly string[] | undefined
}

const DAY = 86_400
const LIFETIMES: Lifetimes = {
  accessToken: 3600,
  refreshToken: 30 * DAY,
  grant: 365 * DAY,
  code: 60,
  session: DAY,
  interaction: 600,
  federatedSignIn: 90 * DAY,
}

type Defined<Value> = { readonly [Name in keyof Value]-?: Exclude<Value[Name], undefined> }

/** Checked options with their defaults. */
export interface ParsedOptions
  extends Omit<
    Defined<AuthorizationServerOptions>,
    | 'encryptionKeys'
    | 'lifetimes'
    | 'allow'
    | 'firstAdmin'
    | 'connect'
    | 'credentials'
    | 'scopePolicy'
    | 'rateLimits'
    | 'trustProxy'
    | 'brand'
    | 'texts'
    | 'onEvent'
  > {
  readonly encryptionKeys: string
  readonly keys: readonly EncryptionKey[]
  readonly lifetimes: Lifetimes
  readonly allow: AdmissionRules | undefined
  readonly firstAdmin: FirstAdmin | undefined
  readonly connect: ApiTokenLogin | undefined
  readonly credentials: TokenStore | undefined
  readonly scopePolicy: ScopePolicy | undefined
  readonly rateLimits: RateLimitOptions | false | undefined
  readonly trustProxy: TrustProxy | undefined
  readonly brand: PagesOptions['brand']
  readonly texts: PagesOptions['texts']
  readonly onEvent: AuthorizationServerOptions['onEvent']
  readonly now: () => number
}

function parseKeys(text: string, problems: ConfigurationProblem[]): readonly EncryptionKey[] {
  try {
    return parseEncryptionKeys(text)
  } catch (error) {
    if (!isAuthError(error) || error.code !== 'ERR_CONFIGURATION') throw error
    for (const { message } of (error as ConfigurationError).problems) {
      problems.push({ path: 'encryptionKeys', message })
    }
    return []
  }
}

/** What is wrong with the options that the schema leaves to others, each by itself. */
function memberProblems(options: unknown): ConfigurationProblem[] {
  if (typeof options !== 'object' || options === null) return []
  const { rateLimits, trustProxy, brand, texts } = Object.fromEntries(Object.entries(options))
  return [
    ...rateLimitProblems(rateLimits),
    ...trustProxyProblems(trustProxy),
    ...pagesProblems({ brand, texts }),
  ]
}

/** Name of the pages where none is given. Of a long host its end, which says whose it is. */
function nameOf(issuer: string): string {
  return new URL(issuer).host.slice(-MAX_NAME)
}

/**
 * Validates the options of `createAuthorizationServer` once. Never repeats a value that can be secret.
 *
 * @throws ConfigurationError listing every bad field.
 */
export function parseAuthorizationServerOptions(options: unknown): ParsedOptions {
  const result = optionsSchema.safeParse(options)
  const problems = memberProblems(options)
  if (!result.success) {
    const found = result.error.issues.flatMap(describeIssue)
    throw new ConfigurationError(SUBJECT, [...found, ...problems])
  }
  const { data } = result
  const issuerFault = issuerProblem(data.issuer)
  if (issuerFault !== undefined) problems.push({ path: 'issuer', message: issuerFault })
  problems.push(...resourceProblems(data.resources))
  if (issuerFault === undefined) problems.push(...loginProblems(data))
  const keys = parseKeys(data.encryptionKeys, problems)
  if (problems.length > 0) throw new ConfigurationError(SUBJECT, problems)

  const given = Object.entries(data.lifetimes).filter(([, value]) => value !== undefined)
  return {
    ...data,
    keys,
    lifetimes: { ...LIFETIMES, ...Object.fromEntries(given) },
    allow: data.allow,
    firstAdmin: data.firstAdmin,
    connect: data.connect,
    credentials: data.credentials,
    // Functions are checked to be functions; what they take is the contract of their types.
    scopePolicy: data.scopePolicy as ScopePolicy | undefined,
    onEvent: data.onEvent as AuthorizationServerOptions['onEvent'],
    now: (data.now as (() => number) | undefined) ?? (() => Date.now()),
    rateLimits: data.rateLimits,
    trustProxy: data.trustProxy,
    brand: data.brand ?? { name: nameOf(data.issuer) },
    texts: data.texts,
  }
}
