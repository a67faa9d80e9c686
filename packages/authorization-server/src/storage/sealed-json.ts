import { StoreIntegrityError } from '@bestviable/mcp-auth-middleware'
import type { EnvelopeCodec } from '@bestviable/mcp-auth-middleware/envelope'
import {
  type SealedRecordPlace,
  type SqlRow,
  type SqlValue,
  sealedRecordContext,
} from '@bestviable/mcp-auth-store-postgres'

/** Values of the columns `key_id`, `wrapped_key` and `payload`. */
export type SealedColumns = readonly [keyId: SqlValue, wrappedKey: SqlValue, payload: SqlValue]

/** Seals the JSON of an object for one place. */
export async function sealJson(
  codec: EnvelopeCodec,
  place: SealedRecordPlace,
  json: string,
): Promise<SealedColumns> {
  const plaintext = Buffer.from(json)
  const { wrappedKey, payload } = await codec.seal(sealedRecordContext(place), plaintext)
  plaintext.fill(0)
  return [Buffer.from(wrappedKey.keyId, 'hex'), wrappedKey.bytes, payload]
}

/**
 * Opens a row that was read for one place.
 *
 * @throws {@link StoreIntegrityError} when it is damaged or was sealed for another place.
 */
export async function openJson(
  codec: EnvelopeCodec,
  place: SealedRecordPlace,
  row: SqlRow,
): Promise<string> {
  const { key_id: keyId, wrapped_key: bytes, payload } = row
  const parts = [keyId, bytes, payload]
  if (!parts.every((each) => each instanceof Uint8Array)) {
    throw new StoreIntegrityError('the stored record is incomplete')
  }
  const [keyIdBytes, wrappedBytes, payloadBytes] = parts as readonly Uint8Array[]
  const plaintext = await codec.open(sealedRecordContext(place), {
    wrappedKey: {
      keyId: Buffer.from(keyIdBytes ?? []).toString('hex'),
      bytes: wrappedBytes ?? new Uint8Array(0),
    },
    payload: payloadBytes ?? new Uint8Array(0),
  })
  const json = Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.length).toString()
  plaintext.fill(0)
  return json
}
