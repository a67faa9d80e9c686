import { ConfigurationError, type ConfigurationProblem } from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import type { ClientAuthentication } from './openid-profile.js'

const DEFAULT_TIMEOUT_MILLISECONDS = 3000
const TIMEOUT_RULE = 'must be a whole number of milliseconds from 100 to 30000'
const LOGIN_ID = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/
const MAX_LABEL_LENGTH = 80
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}]/u

/** What every login takes from its surroundings. */
export interface LoginRuntime {
  readonly fetch: typeof globalThis.fetch
  readonly now: () => number
  readonly timeoutMilliseconds: number
}

/** Options of every login at an OpenID provider. */
export interface OpenidClientOptions {
  /** Client id that the provider gave to this server. */
  readonly clientId: string
  /** Secret of that client. */
  readonly clientSecret: string
  /** How the client names itself. Default: what the provider supports. */
  readonly clientAuthentication?: ClientAuthentication | undefined
  /** Time for all requests of one step, in milliseconds. Default 3000, 100 to 30,000. */
  readonly timeoutMilliseconds?: number | undefined
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

/** What is wrong with the id of a login; `undefined` when nothing is. It is part of paths. */
export function loginIdProblem(id: unknown): string | undefined {
  return typeof id === 'string' && LOGIN_ID.test(id)
    ? undefined
    : 'must be 1 to 32 letters, digits or "-", and neither start nor end with "-"'
}

/** What is wrong with the text of a button; `undefined` when nothing is. */
export function labelProblem(label: unknown): string | undefined {
  const isLabel =
    typeof label === 'string' &&
    label.trim() !== '' &&
    label.length <= MAX_LABEL_LENGTH &&
    !INVISIBLE.test(label)
  return isLabel ? undefined : `must be 1 to ${MAX_LABEL_LENGTH} visible characters`
}

/** A string option with a rule that says itself what is wrong. */
export function textOption(findProblem: (text: string) => string | undefined) {
  return z.string({ error: 'must be text' }).check(
    z.refine((text) => findProblem(text) === undefined, {
      error: ({ input }) => (typeof input === 'string' ? findProblem(input) : undefined),
    }),
  )
}

/** Ids, secrets and the like: not empty, no blanks or control characters. Never repeated in messages. */
export const opaqueOption = z
  .string({ error: 'must be text' })
  .check(z.regex(/^[\x21-\x7e]{1,4096}$/, { error: 'must be 1 to 4096 visible ASCII characters' }))

export const timeoutOption = z._default(
  z
    .int({ error: TIMEOUT_RULE })
    .check(z.gte(100, { error: TIMEOUT_RULE }), z.lte(30_000, { error: TIMEOUT_RULE })),
  DEFAULT_TIMEOUT_MILLISECONDS,
)

export const idOption = textOption(loginIdProblem)
export const labelOption = textOption(labelProblem)

/** Whether a value can be called; only its type is checked. */
export const isFunction = (value: unknown) => typeof value === 'function'

/** Fields of {@link OpenidClientOptions}. */
export const openidClientShape = {
  clientId: opaqueOption,
  clientSecret: opaqueOption,
  clientAuthentication: z.optional(
    z.enum(['client_secret_basic', 'client_secret_post'], {
      error: 'must be "client_secret_basic" or "client_secret_post"',
    }),
  ),
  timeoutMilliseconds: timeoutOption,
  // Looked up at each call, so that a later patch of the global one works.
  fetch: z._default(
    z.custom<typeof globalThis.fetch>(isFunction, { error: 'must be a function' }),
    () => (input: string | URL | Request, init?: RequestInit) => globalThis.fetch(input, init),
  ),
  now: z._default(
    z.custom<() => number>(isFunction, { error: 'must be a function' }),
    () => Date.now,
  ),
}

function formatPath(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
  return parts.join('').replace(/^\./, '')
}

function describeIssue(issue: z.core.$ZodIssue, root: string): ConfigurationProblem[] {
  const pathOf = (path: readonly PropertyKey[]) =>
    formatPath(root === '' ? path : [root, ...path]) || '(options)'
  if (issue.code === 'unrecognized_keys') {
    const message = 'unknown option; check its spelling'
    return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message }))
  }
  const isMissing = issue.code === 'invalid_type' && issue.input === undefined
  return [{ path: pathOf(issue.path), message: isMissing ? 'is required' : issue.message }]
}

/** Checked options, or every problem with them, whose paths start at `root`. Never holds a value. */
export function readLoginOptions<Schema extends z.ZodMiniType>(
  schema: Schema,
  options: unknown,
  root = '',
): { readonly data?: z.infer<Schema>; readonly problems: readonly ConfigurationProblem[] } {
  const result = schema.safeParse(options, { reportInput: true })
  return result.success
    ? { data: result.data, problems: [] }
    : { problems: result.error.issues.flatMap((issue) => describeIssue(issue, root)) }
}

/**
 * Validates the options of one login. Never repeats a value, which may be a secret.
 *
 * @throws ConfigurationError naming `subject` and listing every bad field.
 */
export function parseLoginOptions<Schema extends z.ZodMiniType>(
  subject: string,
  schema: Schema,
  options: unknown,
): z.infer<Schema> {
  const { data, problems } = readLoginOptions(schema, options)
  if (data === undefined) throw new ConfigurationError(subject, problems)
  return data
}
