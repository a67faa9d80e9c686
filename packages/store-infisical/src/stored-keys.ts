import {
  type CredentialKey,
  StoreIntegrityError,
  validateCredentialKey,
} from '@bestviable/mcp-auth-middleware'
import type { SecretRecord } from './infisical-api.js'
import { parseOwnerComment } from './owner-comment.js'
import { isJsonValue, isTombstone, parseJsonValue } from './readable-values.js'
import { parseSecretName, secretNameOf } from './secret-names.js'
import { hiddenValueError } from './stored-values.js'

function ownerOf(record: SecretRecord): CredentialKey {
  const commented = parseOwnerComment(record.comment)?.key
  if (commented !== undefined && secretNameOf(commented) === record.name) return commented
  if (isJsonValue(record.value)) {
    const key = validateCredentialKey(parseJsonValue(record.value).key)
    if (secretNameOf(key) === record.name) return key
  }
  // Leaving it out would lose a credential in a migration.
  throw new StoreIntegrityError(
    `the owner of the secret ${record.name} cannot be told, because its comment was changed`,
  )
}

/**
 * Lists the keys of the secrets in a folder: those with a credential, or those with a tombstone. Secrets
 * with names of another kind are not ours.
 *
 * @throws {@link StoreIntegrityError} after all others, when the owner of one cannot be told.
 */
export function* listStoredKeys(
  records: readonly SecretRecord[],
  provider: string | undefined,
  tombstones: boolean,
): Generator<CredentialKey, void> {
  let failure: unknown
  for (const record of records) {
    const meaning = parseSecretName(record.name)
    if (meaning === undefined) continue
    const found = meaning.kind === 'service' ? meaning.key.provider : meaning.provider
    if (provider !== undefined && found !== provider) continue
    if (record.hidden) throw hiddenValueError()
    if (isTombstone(record.value) !== tombstones) continue
    if (meaning.kind === 'service') {
      yield validateCredentialKey(meaning.key)
      continue
    }
    let key: CredentialKey
    try {
      key = ownerOf(record)
    } catch (error) {
      failure ??= error
      continue
    }
    yield key
  }
  if (failure !== undefined) throw failure
}
