import {
  type AuditSink,
  ConfigurationError,
  type ConfigurationProblem,
  isAuthError,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'

/** Reads a secret file as text. Rejects when it cannot be read. */
export type ReadSecretFile = (
  path: string,
  options: { readonly signal?: AbortSignal | undefined },
) => Promise<string>

/** One user's own variable. */
export interface EnvUser {
  readonly provider: string
  readonly issuer: string
  readonly subject: string
  /** Name of the variable. Default: the name that `envVariableFor` prints. */
  readonly variable?: string | undefined
}

/** How keys map to variables. */
export interface EnvNaming {
  /** Text before every derived name, for example `TEAM_`. Not put before names given here. */
  readonly prefix?: string | undefined
  /** Variables of service credentials whose names differ from `<PROVIDER>_API_TOKEN`. */
  readonly providers?: Readonly<Record<string, string>> | undefined
  /** Users whose variables are named here. Only these are listed by `keys()`. */
  readonly users?: readonly EnvUser[] | undefined
}

/** Options for `envTokenStore`. */
export interface EnvTokenStoreOptions extends EnvNaming {
  /** Where the variables are: `process.env` (the default), or the bindings of a Worker. */
  readonly env?: Readonly<Record<string, unknown>> | undefined
  /** Reads the files that `*_FILE` variables name. Default: `node:fs`, loaded on first use. */
  readonly readFile?: ReadSecretFile | undefined
  /** Named in audit events. Variables are told apart by `prefix`. Default `default`. */
  readonly namespace?: string | undefined
  /** Receives every read, never a value. */
  readonly audit?: AuditSink | undefined
  /** Current time in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const NAME_RULE = 'must be 1 to 64 letters, digits, "_" or "-" and not start with "-"'
const isFunction = (value: unknown) => typeof value === 'function'
const isObject = (value: unknown) => typeof value === 'object' && value !== null

const Name = z
  .string({ error: NAME_RULE })
  .check(z.regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/, { error: NAME_RULE }))
const Text = z.string({ error: 'must be a string' })
const Variable = z.string({ error: 'must be the name of a variable' }).check(
  z.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of a variable' }),
  z.refine((name) => !name.endsWith('_FILE'), {
    error: 'must be the name without "_FILE"; the file variant is found by itself',
  }),
)

const naming = {
  prefix: z._default(
    z
      .string({ error: 'must be a string' })
      .check(
        z.regex(/^(?:[A-Z][A-Z0-9_]*)?$/, { error: 'must be upper-case letters, digits and "_"' }),
      ),
    '',
  ),
  providers: z._default(z.record(Name, Variable), {}),
  users: z._default(
    z.array(
      z.strictObject({
        provider: Name,
        issuer: Text,
        subject: Text,
        variable: z.optional(Variable),
      }),
    ),
    [],
  ),
}

const Naming = z.strictObject(naming)

const Options = z.strictObject({
  ...naming,
  env: z.optional(
    z.custom<Readonly<Record<string, unknown>>>(isObject, { error: 'must be an object' }),
  ),
  readFile: z.optional(z.custom<ReadSecretFile>(isFunction, { error: 'must be a function' })),
  namespace: z._default(Name, 'default'),
  audit: z.optional(z.custom<AuditSink>(isObject, { error: 'must be an AuditSink' })),
  now: z.optional(z.custom<() => number>(isFunction, { error: 'must be a function' })),
})

/**
 * Tells whether a provider has a variable by derivation: lower-case letters, digits and single hyphens.
 * `a_b` and `A-b` would share the variable of `a-b`, so that they need a name of their own.
 */
export function hasDerivedVariable(provider: string): boolean {
  return /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(provider)
}

function findUserProblems(users: readonly EnvUser[]): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  const known = new Set<string>()
  for (const [index, { provider, issuer, subject, variable }] of users.entries()) {
    const path = `users.${index}`
    try {
      validateCredentialKey({ provider, owner: { kind: 'user', issuer, subject } })
    } catch (error) {
      if (!isAuthError(error)) throw error
      problems.push({ path, message: error.message })
    }
    const identity = JSON.stringify([provider, issuer, subject])
    if (known.has(identity)) problems.push({ path, message: 'names the same user again' })
    known.add(identity)
    if (variable === undefined && !hasDerivedVariable(provider)) {
      problems.push({ path: `${path}.variable`, message: 'is required for this provider name' })
    }
  }
  return problems
}

function describeIssue(issue: z.core.$ZodIssue): ConfigurationProblem[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: 'unknown option; check its spelling',
    }))
  }
  const message = issue.code === 'invalid_key' ? NAME_RULE : issue.message
  return [{ path: path === '' ? '(options)' : path, message }]
}

function parse<Parsed extends { users: EnvUser[] }>(
  subject: string,
  schema: z.ZodMiniType<Parsed>,
  options: unknown,
): Parsed {
  const result = schema.safeParse(options)
  const problems = result.success
    ? findUserProblems(result.data.users)
    : result.error.issues.flatMap(describeIssue)
  if (!result.success || problems.length > 0) throw new ConfigurationError(subject, problems)
  return result.data
}

/** Validates the options of `envVariableFor`. */
export function parseNaming(options: EnvNaming): z.infer<typeof Naming> {
  return parse('envVariableFor', Naming, options)
}

/** Validates the options of `envTokenStore`. */
export function parseOptions(options: EnvTokenStoreOptions): z.infer<typeof Options> {
  return parse('envTokenStore', Options, options)
}
