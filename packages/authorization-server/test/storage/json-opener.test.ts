import { type EnvelopeCodec, generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { digestId, type SealedRecordPlace, type SqlRow } from '@bestviable/mcp-auth-store-postgres'
import { beforeEach, describe, expect, it } from 'vitest'
import { createJsonOpener, type JsonOpener, sealJson } from '../../src/storage/sealed-json.js'
import { codecOf, failureOf } from './support.js'

const PLACE: SealedRecordPlace = {
  table: 'oauth_tokens',
  kind: 'Grant',
  idDigest: digestId('a'),
  version: '7a4c1f5e-93aa-4d5f-9f0e-0c1d2e3f4a5b',
}
const sealer = codecOf(generateEncryptionKey())
let opened: number
let open: JsonOpener

async function seal(json: string, place = PLACE): Promise<SqlRow> {
  const [keyId, wrappedKey, payload] = await sealJson(sealer, place, json)
  return { key_id: keyId, wrapped_key: wrappedKey, payload }
}

const copy = (row: SqlRow): SqlRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, Buffer.from(value as Uint8Array)]),
  )

beforeEach(() => {
  opened = 0
  const counting: EnvelopeCodec = Object.create(sealer, {
    open: {
      value: (...values: Parameters<EnvelopeCodec['open']>) => {
        opened += 1
        return sealer.open(...values)
      },
    },
  })
  open = createJsonOpener(counting)
})

describe('createJsonOpener()', () => {
  it('opens the same bytes at the same place once', async () => {
    const row = await seal('{"a":1}')
    expect(await open(PLACE, row)).toBe('{"a":1}')
    expect(await open(PLACE, copy(row))).toBe('{"a":1}')
    expect(opened).toBe(1)
  })

  it('opens what was written anew', async () => {
    await open(PLACE, await seal('{"a":1}'))
    expect(await open(PLACE, await seal('{"a":2}'))).toBe('{"a":2}')
    expect(opened).toBe(2)
  })

  it.each(['key_id', 'wrapped_key', 'payload'])('refuses one changed bit of %s', async (name) => {
    const row = await seal('{"a":1}')
    await open(PLACE, row)
    const changed = copy(row)
    const bytes = changed[name]
    if (bytes instanceof Uint8Array) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    expect(await failureOf(open(PLACE, changed))).toMatch(/^ERR_STORE_/)
    expect(await failureOf(open(PLACE, { ...row, [name]: null }))).toBe('ERR_STORE_INTEGRITY')
    expect(await open(PLACE, row)).toBe('{"a":1}')
  })

  it.each<[string, Partial<SealedRecordPlace>]>([
    ['table', { table: 'oauth_clients' }],
    ['kind', { kind: 'AccessToken' }],
    ['id', { idDigest: digestId('b') }],
    ['version', { version: '7a4c1f5e-93aa-4d5f-9f0e-0c1d2e3f4a5c' }],
  ])('refuses the row at a place with another %s', async (_name, other) => {
    const row = await seal('{"a":1}')
    await open(PLACE, row)
    expect(await failureOf(open({ ...PLACE, ...other }, row))).toBe('ERR_STORE_INTEGRITY')
  })

  it('keeps nothing of a row whose bytes are used again', async () => {
    const row = await seal('{"a":1}')
    await open(PLACE, row)
    const { payload } = row
    if (payload instanceof Uint8Array) payload.fill(0)
    expect(await failureOf(open(PLACE, row))).toBe('ERR_STORE_INTEGRITY')
  })

  it('remembers 200 rows, those that were read last', async () => {
    const row = await seal('{}')
    const other = { ...PLACE, kind: 'AccessToken' }
    const rowOfOther = await seal('{}', other)
    await open(PLACE, row)
    await open(other, rowOfOther)
    await open(PLACE, row)
    for (let count = 1; count < 200; count += 1) {
      const place = { ...PLACE, idDigest: digestId(`${count}`) }
      await open(place, await seal('{}', place))
    }
    expect(opened).toBe(201)
    await open(PLACE, row)
    expect(opened).toBe(201)
    await open(other, rowOfOther)
    expect(opened).toBe(202)
  })
})
