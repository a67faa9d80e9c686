import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import type { Database } from '@bestviable/mcp-auth-store-postgres'
import * as z from 'zod/mini'
import { redirectPolicySchema } from './clients/client-documents-options.js'
import type { TrustProxy } from './limits/client-address.js'
import type { RateLimitOptions } from './limits/limit-options.js'
import { normalizeEmail } from './login/email.js'
import type { AdmissionRules, ApiTokenLogin, LoginProvider } from './login/login-provider.js'
import type { PagesOptions } from './pages/options.js'

const DAY = 86_400
const EMAIL = 'must be one plain e-mail address'

const isFunction = (value: unknown) => typeof value === 'function'
const hasMethod = (value: unknown, name: string) =>
  typeof value === 'object' && value !== null && isFunction(Reflect.get(value, name))

const seconds = (minimum: number, maximum: number) => {
  const error = `must be a whole number of seconds from ${minimum} to ${maximum}`
  return z.optional(z.int({ error }).check(z.gte(minimum, { error }), z.lte(maximum, { error })))
}
const RETENTION = 'must be a whole number of days from 1 to 3650, or false'
const days = (error: string) => z.int({ error }).check(z.gte(1, { error }), z.lte(3650, { error }))
const flag = (fallback: boolean) =>
  z._default(z.boolean({ error: 'must be true or false' }), fallback)
const functionOption = z.custom<(...values: never[]) => unknown>(isFunction, {
  error: 'must be a function',
})

/** What `createAuthorizationServer` takes, member by member. What depends on several is checked after it. */
export const optionsSchema = z.strictObject({
  issuer: z.string({ error: 'must be the public origin, for example https://mcp.example.com' }),
  database: z.custom<string | Database>(
    (value) =>
      (typeof value === 'string' && /^postgres(?:ql)?:\/\//.test(value)) ||
      hasMethod(value, 'query'),
    { error: 'must be a postgresql:// connection string, or made by createDatabase' },
  ),
  encryptionKeys: z.string({ error: 'must be keys in base64; `mcp-auth keys generate` makes one' }),
  resources: z.record(
    z.string(),
    z.strictObject(
      {
        scopes: z.record(z.string(), z.string({ error: 'must be a description' }), {
          error: 'must map scopes to descriptions',
        }),
        defaultScopes: z.optional(z.array(z.string(), { error: 'must be a list of scopes' })),
      },
      { error: (issue) => (issue.code === 'invalid_type' ? 'must be { scopes }' : undefined) },
    ),
    { error: 'must map resource URLs to their scopes' },
  ),
  login: z.custom<readonly LoginProvider[]>(Array.isArray, {
    error: 'must be a list of at least one way to sign in',
  }),
  allow: z.optional(z.custom<AdmissionRules>()),
  firstAdmin: z.optional(
    z.strictObject(
      {
        email: z
          .string({ error: EMAIL })
          .check(z.refine((email) => normalizeEmail(email) !== undefined, { error: EMAIL })),
        name: z.optional(z.string({ error: 'must be a name' })),
      },
      { error: (issue) => (issue.code === 'invalid_type' ? 'must be { email }' : undefined) },
    ),
  ),
  connect: z.optional(
    z.custom<ApiTokenLogin>(
      (value) => hasMethod(value, 'verify') && Reflect.get(Object(value), 'kind') === 'api-token',
      { error: 'must be made by apiTokenLogin' },
    ),
  ),
  connectOptional: flag(false),
  credentials: z.optional(
    z.custom<TokenStore>((value) => hasMethod(value, 'get') && hasMethod(value, 'set'), {
      error: 'must be a TokenStore',
    }),
  ),
  redirectPolicy: z._default(redirectPolicySchema, {}),
  dynamicRegistration: flag(true),
  unusedClientDays: z._default(days('must be a whole number of days from 1 to 3650'), 90),
  auditRetentionDays: z._default(
    z.union([z.literal(false), days(RETENTION)], { error: RETENTION }),
    90,
  ),
  clientDocuments: flag(true),
  lifetimes: z._default(
    z.strictObject({
      accessToken: seconds(30, 31 * DAY),
      refreshToken: seconds(60, 365 * DAY),
      grant: seconds(60, 3650 * DAY),
      code: seconds(10, 600),
      session: seconds(60, 31 * DAY),
      interaction: seconds(60, 3600),
      federatedSignIn: seconds(60, 3650 * DAY),
    }),
    {},
  ),
  scopePolicy: z.optional(functionOption),
  consent: z._default(z.enum(['once', 'always'], { error: 'must be "once" or "always"' }), 'once'),
  signingAlgorithm: z._default(
    z.enum(['ES256', 'RS256'], { error: 'must be "ES256" or "RS256"' }),
    'ES256',
  ),
  pushedAuthorizationRequests: flag(false),
  dpop: flag(false),
  resourceServerClients: z._default(
    z.array(z.string().check(z.minLength(1)), { error: 'must be a list of client ids' }),
    [],
  ),
  rateLimits: z.optional(z.custom<RateLimitOptions | false>()),
  trustProxy: z.optional(z.custom<TrustProxy>()),
  brand: z.optional(z.custom<PagesOptions['brand']>()),
  texts: z.optional(z.custom<PagesOptions['texts']>()),
  onEvent: z.optional(functionOption),
  now: z.optional(functionOption),
})
