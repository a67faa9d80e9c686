import {
  type CredentialInput,
  type CredentialKey,
  StoreIntegrityError,
} from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'

/** Start of everything that is not a bare API key. */
export const FORMAT_PREFIX = 'mcpauth:'
const TOMBSTONE_PREFIX = 'mcpauth:0:'
const JSON_PREFIX = 'mcpauth:1:'

/** What tells one write from another. */
export interface WriteStamp {
  readonly version: string
  /** Epoch seconds. */
  readonly updatedAt: number
}

/** A credential with everything that its value says about it. */
export interface StampedCredential {
  readonly namespace: string
  readonly key: CredentialKey
  readonly stamp: WriteStamp
  readonly input: CredentialInput
}

const Stamp = {
  version: z.string().check(z.minLength(1), z.maxLength(128)),
  updatedAt: z.int().check(z.gte(1)),
}
const Tombstone = z.object(Stamp)
const Value = z.object({
  ...Stamp,
  namespace: z.string(),
  provider: z.string(),
  issuer: z.optional(z.string()),
  subject: z.optional(z.string()),
  // Checked once more, member by member, when the credential is built.
  credential: z.object({
    kind: z.enum(['api-key', 'oauth2']),
    secret: z.string(),
    refreshToken: z.optional(z.string()),
    expiresAt: z.optional(z.number()),
    scopes: z.optional(z.array(z.string())),
    metadata: z.optional(z.unknown()),
  }),
})

function formatJson(prefix: string, members: unknown): string {
  return `${prefix}${Buffer.from(JSON.stringify(members)).toString('base64url')}`
}

function damaged(): StoreIntegrityError {
  return new StoreIntegrityError('the stored value is damaged')
}

function parseJson<Parsed>(schema: z.ZodMiniType<Parsed>, text: string): Parsed {
  const bytes = Buffer.from(text, 'base64url')
  // Node ignores characters that are no base64url; a changed text must not pass for the original.
  if (bytes.toString('base64url') !== text) throw damaged()
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    throw damaged()
  }
  const result = schema.safeParse(parsed)
  if (!result.success) throw damaged()
  return result.data
}

/**
 * Tells whether a credential can be stored as the bare text of its API key: nothing else to keep, and
 * nothing that Infisical or a person's browser changes (outer white space, line ends, references, a
 * leading `<`).
 */
export function isBare(input: CredentialInput): boolean {
  const { kind, secret, refreshToken, expiresAt, scopes, metadata } = input
  const extra = refreshToken ?? expiresAt ?? scopes ?? metadata
  return (
    kind === 'api-key' &&
    extra === undefined &&
    secret.trim() === secret &&
    !/\p{Cc}|[\u2028\u2029]|\$\{/u.test(secret) &&
    !secret.startsWith('<') &&
    !secret.startsWith(FORMAT_PREFIX)
  )
}

/**
 * Reads a bare API key, as written by {@link isBare} or by a person. Trailing line ends are not part of
 * it.
 *
 * @throws {@link StoreIntegrityError} when it is empty or a reference, which this store never resolves.
 */
export function parseBare(value: string): CredentialInput {
  let end = value.length
  // By hand: an expression for the end of a text takes quadratic time for line ends in its middle.
  while (end > 0 && (value[end - 1] === '\n' || value[end - 1] === '\r')) end -= 1
  const secret = value.slice(0, end)
  if (secret.trim() === '') throw new StoreIntegrityError('the stored value is empty')
  if (secret.includes('${')) {
    throw new StoreIntegrityError('the stored value is a reference; references are not resolved')
  }
  return { kind: 'api-key', secret }
}

/** Formats a credential as one line of text that no rule of Infisical changes. Not encrypted. */
export function formatJsonValue({ namespace, key, stamp, input }: StampedCredential): string {
  const { provider, owner } = key
  const user = owner.kind === 'user' ? { issuer: owner.issuer, subject: owner.subject } : {}
  const members = { ...stamp, namespace, provider, ...user, credential: input }
  return formatJson(JSON_PREFIX, members)
}

/** Tells whether a value is one of {@link formatJsonValue}. */
export function isJsonValue(value: string): boolean {
  return value.startsWith(JSON_PREFIX)
}

/** @throws {@link StoreIntegrityError} when the value is damaged. */
export function parseJsonValue(value: string): StampedCredential {
  const parsed = parseJson(Value, value.slice(JSON_PREFIX.length))
  const { namespace, provider, issuer, subject, version, updatedAt, credential } = parsed
  const owner =
    issuer === undefined || subject === undefined
      ? ({ kind: 'service' } as const)
      : ({ kind: 'user', issuer, subject } as const)
  return {
    namespace,
    key: { provider, owner },
    stamp: { version, updatedAt },
    // Metadata is checked when the credential is built, which also keeps a name like `__proto__`.
    input: credential as CredentialInput,
  }
}

/** Formats the mark of a deliberate deletion. */
export function formatTombstone({ version, updatedAt }: WriteStamp): string {
  return formatJson(TOMBSTONE_PREFIX, { version, updatedAt })
}

/** Tells whether a value is the mark of a deliberate deletion. */
export function isTombstone(value: string): boolean {
  return value.startsWith(TOMBSTONE_PREFIX)
}

/** @throws {@link StoreIntegrityError} when the value is damaged. */
export function parseTombstone(value: string): WriteStamp {
  const { version, updatedAt } = parseJson(Tombstone, value.slice(TOMBSTONE_PREFIX.length))
  return { version, updatedAt }
}
