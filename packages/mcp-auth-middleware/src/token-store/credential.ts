import { StoreInvalidError } from '../errors.js'
import type { Credential, CredentialInput } from './token-store.js'
import { isLongerThan } from './utf8-length.js'

const SECRET_BYTES = 64 * 1024
const METADATA_ENTRIES = 32
const METADATA_NAME_BYTES = 128
const METADATA_VALUE_BYTES = 1024
const SCOPES = 256
const SCOPE_LENGTH = 256
// RFC 6749 section 3.3: scope-token.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/
// NUL fits into no environment variable, header or PostgreSQL text; a lone surrogate into no UTF-8.
const NOT_STORABLE = /[\0\p{Cs}]/u

function checkText(member: string, value: unknown, maximumBytes: number): string {
  if (typeof value !== 'string') throw new StoreInvalidError(`${member} must be a string`)
  if (isLongerThan(value, maximumBytes)) {
    throw new StoreInvalidError(`${member} is longer than ${maximumBytes} bytes`)
  }
  if (NOT_STORABLE.test(value)) {
    throw new StoreInvalidError(`${member} contains NUL or a lone surrogate`)
  }
  return value
}

function checkSecret(member: string, value: unknown): string {
  const secret = checkText(member, value, SECRET_BYTES)
  if (secret === '') throw new StoreInvalidError(`${member} must not be empty`)
  return secret
}

function checkScopes(scopes: unknown): readonly string[] {
  if (!Array.isArray(scopes) || scopes.length > SCOPES) {
    throw new StoreInvalidError(`scopes must be an array of at most ${SCOPES} strings`)
  }
  for (const scope of scopes as unknown[]) {
    if (typeof scope !== 'string' || scope.length > SCOPE_LENGTH || !SCOPE.test(scope)) {
      throw new StoreInvalidError(
        `every scope must be 1 to ${SCOPE_LENGTH} characters of RFC 6749 scope-token`,
      )
    }
  }
  return Object.freeze([...(scopes as string[])])
}

function checkMetadata(metadata: unknown): Readonly<Record<string, string>> {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new StoreInvalidError('metadata must be an object')
  }
  const entries = Object.entries(metadata)
  if (entries.length > METADATA_ENTRIES) {
    throw new StoreInvalidError(`metadata has more than ${METADATA_ENTRIES} entries`)
  }
  for (const [name, value] of entries) {
    if (name === '') throw new StoreInvalidError('a metadata name must not be empty')
    checkText('a metadata name', name, METADATA_NAME_BYTES)
    checkText('a metadata value', value, METADATA_VALUE_BYTES)
  }
  // `fromEntries` defines members instead of assigning them, so that `__proto__` stays a name.
  return Object.freeze(Object.fromEntries(entries) as Record<string, string>)
}

interface CheckedInput {
  kind: CredentialInput['kind']
  secret: string
  refreshToken?: string
  expiresAt?: number
  scopes?: readonly string[]
  metadata?: Readonly<Record<string, string>>
}

function checkInput(input: CredentialInput): CheckedInput {
  if (typeof input !== 'object' || input === null) {
    throw new StoreInvalidError('the credential must be an object')
  }
  const { kind, secret, refreshToken, expiresAt, scopes, metadata } = input
  if (kind !== 'api-key' && kind !== 'oauth2') {
    throw new StoreInvalidError('kind must be "api-key" or "oauth2"')
  }
  if (refreshToken !== undefined && kind !== 'oauth2') {
    throw new StoreInvalidError('refreshToken needs the kind "oauth2"')
  }
  if (expiresAt !== undefined && !(Number.isFinite(expiresAt) && expiresAt > 0)) {
    throw new StoreInvalidError('expiresAt must be a positive number of epoch seconds')
  }
  const checked: CheckedInput = { kind, secret: checkSecret('secret', secret) }
  if (refreshToken !== undefined) checked.refreshToken = checkSecret('refreshToken', refreshToken)
  if (expiresAt !== undefined) checked.expiresAt = expiresAt
  if (scopes !== undefined) checked.scopes = checkScopes(scopes)
  if (metadata !== undefined) checked.metadata = checkMetadata(metadata)
  return checked
}

/**
 * Checks what is to be written, as every store does, and returns a frozen copy with the known members
 * only. A {@link Credential} read from another store is accepted as it is.
 *
 * Limits: `secret` and `refreshToken` 1 byte to 64 KiB each, 256 scopes of 256 characters, 32 metadata
 * entries with names of 128 and values of 1024 bytes. `expiresAt` is epoch seconds and may have passed.
 * The members of the copy are enumerable: do not log it.
 *
 * @throws {@link StoreInvalidError} naming the member and never its value.
 */
export function validateCredentialInput(input: CredentialInput): CredentialInput {
  return Object.freeze(checkInput(input))
}

function redacted(credential: Credential): Record<string, unknown> {
  return {
    ...credential,
    secret: '[redacted]',
    ...(credential.refreshToken !== undefined && { refreshToken: '[redacted]' }),
  }
}

const credentialPrototype = Object.freeze({
  toJSON(this: Credential) {
    return redacted(this)
  },
  [Symbol.for('nodejs.util.inspect.custom')](this: Credential) {
    return redacted(this)
  },
})

/**
 * Builds the frozen {@link Credential} that a store returns: `secret` and `refreshToken` are not
 * enumerable, and `toJSON` and `util.inspect` show `[redacted]` in their place.
 *
 * @throws {@link StoreInvalidError} as {@link validateCredentialInput}.
 */
export function createCredential(
  input: CredentialInput,
  stamp: Pick<Credential, 'version' | 'updatedAt'>,
): Credential {
  const { kind, secret, refreshToken, expiresAt, scopes, metadata } = checkInput(input)
  const credential = Object.create(credentialPrototype) as {
    -readonly [Name in keyof Credential]: Credential[Name]
  }
  credential.kind = kind
  if (expiresAt !== undefined) credential.expiresAt = expiresAt
  if (scopes !== undefined) credential.scopes = scopes
  if (metadata !== undefined) credential.metadata = metadata
  credential.version = stamp.version
  credential.updatedAt = stamp.updatedAt
  Object.defineProperty(credential, 'secret', { value: secret })
  if (refreshToken !== undefined) {
    Object.defineProperty(credential, 'refreshToken', { value: refreshToken })
  }
  return Object.freeze(credential)
}
