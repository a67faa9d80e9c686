import { type CredentialInput, StoreIntegrityError } from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  credentialContext,
  formatCredential,
  formatEnvelope,
  type KeyProvider,
  localKeyProvider,
  parseCredential,
  parseEnvelope,
} from '@bestviable/mcp-auth-middleware/envelope'
import type { StampedCredential, WriteStamp } from './readable-values.js'

const SEALED_PREFIX = 'mcpauth:2:'
const SEALED = /^mcpauth:2:([0-9A-Za-z-]{1,64})\.([1-9]\d{0,14})\.([0-9A-Za-z_-]+)$/

/** Seals and opens values. Version and time stay readable; changing them makes the value damaged. */
export interface SealedValues {
  seal(stamped: StampedCredential): Promise<string>
  /**
   * @throws {@link StoreIntegrityError} when the value was damaged or sealed for another place, and
   *   {@link StoreUnavailableError} when its key is not configured here.
   */
  open(
    value: string,
    place: Pick<StampedCredential, 'namespace' | 'key'>,
  ): Promise<{ readonly stamp: WriteStamp; readonly input: CredentialInput }>
}

/** Tells whether a value was sealed. */
export function isSealedValue(value: string): boolean {
  return value.startsWith(SEALED_PREFIX)
}

function contextOf(
  { namespace, key }: Pick<StampedCredential, 'namespace' | 'key'>,
  { version, updatedAt }: WriteStamp,
) {
  return credentialContext({
    store: 'infisical',
    namespace,
    key,
    version: `${version}.${updatedAt}`,
  })
}

/**
 * Creates the codec of sealed values.
 *
 * @throws {@link ConfigurationError} when the keys are malformed.
 */
export function createSealedValues(seal: {
  readonly encryptionKeys?: string | undefined
  readonly keyProvider?: KeyProvider | undefined
}): SealedValues {
  const keyProvider = seal.keyProvider ?? localKeyProvider({ keys: seal.encryptionKeys ?? '' })
  const codec = createEnvelopeCodec({ keyProvider })

  return {
    async seal(stamped) {
      const { stamp, input } = stamped
      const envelope = await codec.seal(contextOf(stamped, stamp), formatCredential(input))
      const text = Buffer.from(formatEnvelope(envelope)).toString('base64url')
      return `${SEALED_PREFIX}${stamp.version}.${stamp.updatedAt}.${text}`
    },

    async open(value, place) {
      const [, version, updatedAt, text] = SEALED.exec(value) ?? []
      if (version === undefined || updatedAt === undefined || text === undefined) {
        throw new StoreIntegrityError('the stored value is damaged')
      }
      const bytes = Buffer.from(text, 'base64url')
      // The last character can hold bits that decoding drops; those would be changed unnoticed.
      if (bytes.toString('base64url') !== text) {
        throw new StoreIntegrityError('the stored value is damaged')
      }
      const stamp = { version, updatedAt: Number(updatedAt) }
      const plaintext = await codec.open(contextOf(place, stamp), parseEnvelope(bytes))
      return { stamp, input: parseCredential(plaintext) }
    },
  }
}
