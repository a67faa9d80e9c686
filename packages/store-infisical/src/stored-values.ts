import {
  type Credential,
  type CredentialInput,
  type CredentialKey,
  createCredential,
  isAuthError,
  StoreIntegrityError,
  StoreInvalidError,
  StoreUnavailableError,
  type Tombstone,
} from '@bestviable/mcp-auth-middleware'
import type { SecretRecord } from './infisical-api.js'
import type { ParsedOptions } from './options.js'
import { parseOwnerComment, requireSameKey } from './owner-comment.js'
import {
  FORMAT_PREFIX,
  formatJsonValue,
  isBare,
  isJsonValue,
  isTombstone,
  parseBare,
  parseJsonValue,
  parseTombstone,
  type WriteStamp,
} from './readable-values.js'
import { createSealedValues, isSealedValue } from './sealed-values.js'

/** A request of more than 1 MiB fails without saying why. */
const VALUE_LENGTH = 1_000_000

/** What a secret holds. */
export type StoredValue =
  | { readonly kind: 'credential'; readonly credential: Credential }
  | { readonly kind: 'tombstone'; readonly tombstone: Tombstone }

/** The values of one namespace. */
export interface StoredValues {
  format(key: CredentialKey, input: CredentialInput, stamp: WriteStamp): Promise<string>
  /** Builds the credential that a write resolves with. */
  written(record: SecretRecord, input: CredentialInput, stamp: WriteStamp): Credential
  /**
   * @throws {@link StoreIntegrityError} when the value is damaged or belongs to another key, and
   *   {@link StoreUnavailableError} when it is hidden, or sealed under a key that is not here.
   */
  parse(record: SecretRecord, key: CredentialKey): Promise<StoredValue>
}

/** Tells that the value of a secret may not be seen. */
export function hiddenValueError(): StoreUnavailableError {
  return new StoreUnavailableError(
    'Infisical hides the value: the identity lacks the permission to read the value of secrets',
  )
}

function build(input: CredentialInput, stamp: WriteStamp): Credential {
  try {
    return createCredential(input, stamp)
  } catch (error) {
    if (!isAuthError(error)) throw error
    throw new StoreIntegrityError(`the stored value is not a credential: ${error.message}`)
  }
}

/** Creates the codec of all values of one namespace. */
export function createStoredValues(
  { namespace, seal, listTtlSeconds }: Pick<ParsedOptions, 'namespace' | 'seal' | 'listTtlSeconds'>,
  startedAt: number,
): StoredValues {
  const sealed = seal === undefined ? undefined : createSealedValues(seal)
  const readsUnsealed = seal === undefined || seal.dangerouslyAcceptUnsealed
  // A record is parsed for one key only, since its name is made from it.
  const parsed = new WeakMap<SecretRecord, StoredValue>()

  // A bare value cannot carry its own version. Some answers leave the time out; then the start of the
  // store stands for it, which does not change while it runs.
  const bareStamp = ({ revision, updatedAt }: SecretRecord): WriteStamp => ({
    version: revision,
    updatedAt: updatedAt ?? startedAt,
  })

  async function openSealed(value: string, key: CredentialKey): Promise<Credential> {
    if (sealed === undefined) {
      throw new StoreUnavailableError('the stored value is sealed, and no keys are configured')
    }
    const { stamp, input } = await sealed.open(value, { namespace, key })
    return build(input, stamp)
  }

  function parseUnsealed(record: SecretRecord, key: CredentialKey): Credential {
    const { value } = record
    if (!readsUnsealed) throw new StoreIntegrityError('the stored value is not sealed')
    if (isJsonValue(value)) {
      const found = parseJsonValue(value)
      requireSameKey(found.key, key)
      if (found.namespace !== namespace) {
        throw new StoreIntegrityError('the stored credential belongs to another namespace')
      }
      return build(found.input, found.stamp)
    }
    if (value.startsWith(FORMAT_PREFIX)) {
      throw new StoreIntegrityError('the stored value has an unknown format')
    }
    return build(parseBare(value), bareStamp(record))
  }

  async function parse(record: SecretRecord, key: CredentialKey): Promise<StoredValue> {
    if (record.hidden) throw hiddenValueError()
    const owner = parseOwnerComment(record.comment)
    if (owner !== undefined) requireSameKey(owner.key, key)
    if (isTombstone(record.value)) {
      const { version, updatedAt } = parseTombstone(record.value)
      return { kind: 'tombstone', tombstone: Object.freeze({ version, deletedAt: updatedAt }) }
    }
    const credential = isSealedValue(record.value)
      ? await openSealed(record.value, key)
      : parseUnsealed(record, key)
    return { kind: 'credential', credential }
  }

  return {
    async format(key, input, stamp) {
      const stamped = { namespace, key, stamp, input }
      if (sealed === undefined && isBare(input)) return input.secret
      const value = sealed === undefined ? formatJsonValue(stamped) : await sealed.seal(stamped)
      if (value.length > VALUE_LENGTH) {
        throw new StoreInvalidError('the credential is too long for one request to Infisical')
      }
      return value
    },

    written(record, input, stamp) {
      const bare = sealed === undefined && isBare(input)
      return createCredential(input, bare ? bareStamp(record) : stamp)
    },

    async parse(record, key) {
      const known = parsed.get(record)
      if (known !== undefined) return known
      const stored = await parse(record, key)
      // Without listings every read brings a record of its own.
      if (listTtlSeconds > 0) parsed.set(record, stored)
      return stored
    },
  }
}
