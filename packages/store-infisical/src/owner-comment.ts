import {
  type CredentialKey,
  credentialKeyId,
  isAuthError,
  StoreIntegrityError,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'

interface Comment {
  readonly provider: string
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
  readonly write?: string | undefined
}

const isOptionalText = (value: unknown) => value === undefined || typeof value === 'string'

// By hand, since it is part of every read.
function isComment(parsed: unknown): parsed is Comment {
  if (typeof parsed !== 'object' || parsed === null) return false
  const { mcpauth, provider, issuer, subject, write } = parsed as Record<string, unknown>
  return (
    mcpauth === 1 && typeof provider === 'string' && [issuer, subject, write].every(isOptionalText)
  )
}

/** What the comment of a secret says about it. */
export interface OwnerComment {
  readonly key: CredentialKey
  /** Id of the write that created the secret. */
  readonly write: string | undefined
}

/**
 * Formats the comment that tells people, and `keys()`, whose credential a secret holds. ASCII only, on
 * one line. `write` marks the creation, so that a repeated request recognises its own result.
 */
export function formatOwnerComment(key: CredentialKey, write?: string): string {
  const { provider, owner } = key
  const user = owner.kind === 'user' ? { issuer: owner.issuer, subject: owner.subject } : {}
  const text = JSON.stringify({
    mcpauth: 1,
    provider,
    ...user,
    ...(write !== undefined && { write }),
  })
  return text.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Reads a comment; `undefined` when a person wrote something else there, which is allowed. */
export function parseOwnerComment(comment: string): OwnerComment | undefined {
  if (!comment.startsWith('{')) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(comment)
  } catch {
    return undefined
  }
  if (!isComment(parsed)) return undefined
  const { provider, issuer, subject, write } = parsed
  const owner =
    issuer === undefined || subject === undefined
      ? ({ kind: 'service' } as const)
      : ({ kind: 'user', issuer, subject } as const)
  try {
    return { key: validateCredentialKey({ provider, owner }), write }
  } catch (error) {
    if (isAuthError(error)) return undefined
    throw error
  }
}

/**
 * Checks that a secret was not copied here from another credential.
 *
 * @throws {@link StoreIntegrityError} when it names another owner.
 */
export function requireSameKey(found: CredentialKey, expected: CredentialKey): void {
  if (credentialKeyId(found) === credentialKeyId(expected)) return
  throw new StoreIntegrityError('the stored credential belongs to another owner or provider')
}
