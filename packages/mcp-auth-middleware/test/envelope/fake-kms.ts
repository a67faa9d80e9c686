import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { KeyProvider } from '../../src/envelope.js'
import { StoreIntegrityError } from '../../src/errors.js'

/** A key provider that answers later, as a KMS does, and can be taken away. */
export interface FakeKms extends KeyProvider {
  readonly calls: { wrap: number; unwrap: number }
  /** Rejects while set, answers never when it is `hang`. */
  outage: Error | 'hang' | undefined
}

/** Wraps with a key of its own and answers after two turns of the event loop. */
export function createFakeKms(keyId = 'fa4e000000000001'): FakeKms {
  const key = randomBytes(32)

  async function answer<Value>(make: () => Value): Promise<Value> {
    for (let turn = 0; turn < 2; turn++) await new Promise<void>((done) => setImmediate(done))
    if (kms.outage === 'hang') return new Promise(() => {})
    if (kms.outage !== undefined) throw kms.outage
    return make()
  }

  const kms: FakeKms = {
    currentKeyId: keyId,
    keyIds: [keyId],
    calls: { wrap: 0, unwrap: 0 },
    outage: undefined,
    wrap(dataKey, associatedData) {
      kms.calls.wrap++
      const copy = Buffer.from(dataKey)
      return answer(() => {
        const iv = randomBytes(12)
        const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
        cipher.setAAD(associatedData)
        const bytes = Buffer.concat([iv, cipher.update(copy), cipher.final(), cipher.getAuthTag()])
        return { keyId, bytes }
      })
    },
    unwrap({ bytes }, associatedData) {
      kms.calls.unwrap++
      return answer(() => {
        const iv = bytes.subarray(0, 12)
        const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 })
        decipher.setAAD(associatedData)
        decipher.setAuthTag(bytes.subarray(-16))
        try {
          return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
        } catch (cause) {
          throw new StoreIntegrityError('the KMS refuses this ciphertext', { cause })
        }
      })
    },
  }
  return kms
}
