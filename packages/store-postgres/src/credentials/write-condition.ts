import { type CredentialSetOptions, StoreInvalidError } from '@bestviable/mcp-auth-middleware'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
// No write has this version, since every version is a UUIDv7.
const NO_VERSION = '00000000-0000-0000-0000-000000000000'

/** What must be stored for a write to be made. */
export type WriteCondition =
  | { readonly kind: 'none' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'version'; readonly version: string }

/** A version as a parameter: what is no version of this store equals none that is stored. */
export function versionParameter(ifVersion: string | undefined): string | null {
  if (ifVersion === undefined) return null
  return UUID.test(ifVersion) ? ifVersion : NO_VERSION
}

/**
 * Reads the condition of a write.
 *
 * @throws {@link StoreInvalidError} when there are two.
 */
export function parseWriteCondition(options: CredentialSetOptions = {}): WriteCondition {
  const ifVersion = 'ifVersion' in options ? options.ifVersion : undefined
  const ifAbsent = 'ifAbsent' in options && options.ifAbsent === true
  if (ifVersion !== undefined && ifAbsent) {
    throw new StoreInvalidError('ifVersion and ifAbsent exclude each other')
  }
  if (ifAbsent) return { kind: 'absent' }
  const version = versionParameter(ifVersion)
  return version === null ? { kind: 'none' } : { kind: 'version', version }
}
