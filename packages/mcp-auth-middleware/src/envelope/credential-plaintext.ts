import { StoreIntegrityError } from '../errors.js'
import { createCredential, validateCredentialInput } from '../token-store/credential.js'
import type { Credential, CredentialInput } from '../token-store/token-store.js'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Formats a credential as the JSON that is sealed.
 *
 * @throws {@link StoreInvalidError} for a credential that no store accepts.
 */
export function formatCredential(input: CredentialInput): Uint8Array {
  // The copy has enumerable members; a credential that was read from a store hides its secrets.
  return encoder.encode(JSON.stringify(validateCredentialInput(input)))
}

function parse<Value>(bytes: Uint8Array, check: (input: CredentialInput) => Value): Value {
  try {
    return check(JSON.parse(decoder.decode(bytes)))
  } catch {
    // Without the cause: a JSON error quotes the text it stumbled over.
    throw new StoreIntegrityError('the stored value is not a credential')
  }
}

/**
 * Parses what {@link formatCredential} made. Members that are unknown here are left out.
 *
 * @throws {@link StoreIntegrityError} when it is not a credential.
 */
export function parseCredential(bytes: Uint8Array): CredentialInput {
  return parse(bytes, validateCredentialInput)
}

/**
 * Parses what {@link formatCredential} made into the credential that a store returns, checked once.
 *
 * @throws {@link StoreIntegrityError} when it is not a credential.
 */
export function restoreCredential(
  bytes: Uint8Array,
  stamp: Pick<Credential, 'version' | 'updatedAt'>,
): Credential {
  return parse(bytes, (input) => createCredential(input, stamp))
}
