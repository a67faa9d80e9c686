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

/** Rows whose opened text is remembered: those of a busy minute. More would be secrets of the past in memory. */
const MOST_REMEMBERED = 200

/** All bytes of a sealed row. A copy, since those of a row are a part of what came with it. */
function bytesOf({ key_id: keyId, wrapped_key: wrappedKey, payload }: SqlRow): Buffer {
  const parts = [keyId, wrappedKey, payload].map((part) =>
    part instanceof Uint8Array ? part : new Uint8Array(0),
  )
  // Their lengths tell where one ends.
  const lengths = Buffer.from(Uint32Array.from(parts, ({ length }) => length).buffer)
  return Buffer.concat([...parts, lengths])
}

/** Opens as {@link openJson} does. */
export type JsonOpener = (place: SealedRecordPlace, row: SqlRow) => Promise<string>

/**
 * Creates what opens rows that are read again and again. A row with the very bytes that were opened before,
 * at the same place, is not opened once more; nothing else is taken from memory. Failures are not kept.
 */
export function createJsonOpener(codec: EnvelopeCodec): JsonOpener {
  const remembered = new Map<string, { readonly bytes: Buffer; readonly json: string }>()

  return async (place, row) => {
    const digest = Buffer.from(place.idDigest).toString('base64url')
    const key = `${place.table} ${place.kind} ${digest} ${place.version}`
    const known = remembered.get(key)
    remembered.delete(key)
    const bytes = bytesOf(row)
    const isSame = known?.bytes.equals(bytes) === true
    const json = isSame ? known.json : await openJson(codec, place, row)
    remembered.set(key, isSame ? known : { bytes, json })
    const [oldest] = remembered.size > MOST_REMEMBERED ? remembered.keys() : []
    if (oldest !== undefined) remembered.delete(oldest)
    return json
  }
}
