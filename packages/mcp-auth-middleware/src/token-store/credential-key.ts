import { StoreInvalidError } from '../errors.js'
import type { CredentialKey, CredentialOwner } from './token-store.js'
import { isLongerThan } from './utf8-length.js'

const ISSUER_BYTES = 2048
const SUBJECT_BYTES = 1024
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/
// Control characters (NUL among them) and lone surrogates. Backends store UTF-8: a lone surrogate
// would come back as U+FFFD, which makes two different keys equal.
const NOT_TEXT = /[\p{Cc}\p{Cs}]/u

function checkText(member: string, value: unknown, maximumBytes: number): string {
  if (typeof value !== 'string') throw new StoreInvalidError(`${member} must be a string`)
  if (value === '') throw new StoreInvalidError(`${member} must not be empty`)
  if (isLongerThan(value, maximumBytes)) {
    throw new StoreInvalidError(`${member} is longer than ${maximumBytes} bytes`)
  }
  if (NOT_TEXT.test(value)) {
    throw new StoreInvalidError(`${member} contains a control character or a lone surrogate`)
  }
  return value
}

function checkOwner(owner: unknown): CredentialOwner {
  const kind: unknown = typeof owner === 'object' && owner !== null && Reflect.get(owner, 'kind')
  if (kind === 'service') return Object.freeze({ kind })
  if (kind === 'user') {
    const { issuer, subject } = owner as Record<string, unknown>
    return Object.freeze({
      kind,
      issuer: checkText('key.owner.issuer', issuer, ISSUER_BYTES),
      subject: checkText('key.owner.subject', subject, SUBJECT_BYTES),
    })
  }
  throw new StoreInvalidError('key.owner.kind must be "service" or "user"')
}

/** Tells whether a text can be a provider or a namespace: 1 to 64 of `A-Z a-z 0-9 _ -`, no leading `-`. */
export function isCredentialName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}

/**
 * Checks a key as every store does and returns a frozen copy with the known members only. Issuer (at
 * most 2048 bytes) and subject (at most 1024 bytes) are any text without control characters;
 * `__proto__`, quotes and `%` are data.
 *
 * @throws {@link StoreInvalidError} naming the member and never its value.
 */
export function validateCredentialKey(key: CredentialKey): CredentialKey {
  if (typeof key !== 'object' || key === null) throw new StoreInvalidError('key must be an object')
  if (!isCredentialName(key.provider)) {
    throw new StoreInvalidError(
      'key.provider must be 1 to 64 letters, digits, "_" or "-" and not start with "-"',
    )
  }
  return Object.freeze({ provider: key.provider, owner: checkOwner(key.owner) })
}

/**
 * Formats a key as one string, for maps and digests. Injective: every part carries its length, so the
 * owners (`a`, `bc`) and (`ab`, `c`) differ. Does not validate.
 */
export function credentialKeyId({ provider, owner }: CredentialKey): string {
  if (owner.kind === 'service') return `${provider.length}:${provider}s`
  const { issuer, subject } = owner
  return `${provider.length}:${provider}u${issuer.length}:${issuer}${subject.length}:${subject}`
}
