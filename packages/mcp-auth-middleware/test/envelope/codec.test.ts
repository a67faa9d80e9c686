import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import {
  createEnvelopeCodec,
  type Envelope,
  type EnvelopeCodec,
  type EnvelopeContext,
  generateEncryptionKey,
  localKeyProvider,
} from '../../src/envelope.js'
import { associatedData, encrypt, keyIdOf, pad } from './construct.js'

const CANARY = 'canary-codec-secret'
const plaintext = Buffer.from(CANARY)
const context: EnvelopeContext = ['credential', 'postgres', 'default', 'coda', 'v1']
const codecFor = (keys: string) => createEnvelopeCodec({ keyProvider: localKeyProvider({ keys }) })

const integrity = { code: 'ERR_STORE_INTEGRITY' }
const unavailable = { code: 'ERR_STORE_UNAVAILABLE' }

let key: string
let codec: EnvelopeCodec
let envelope: Envelope

beforeEach(async () => {
  key = generateEncryptionKey()
  codec = codecFor(key)
  envelope = await codec.seal(context, plaintext)
})

function withWrapped(bytes: Uint8Array): Envelope {
  return { ...envelope, wrappedKey: { ...envelope.wrappedKey, bytes } }
}

function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    yield flipped
  }
}

describe('seal() and open()', () => {
  it('return what was sealed, for every size up to 200 bytes and for 64 KiB and 1 MiB', async () => {
    const sizes = [...Array.from({ length: 201 }, (_, size) => size), 65_536, 1_048_576]
    for (const size of sizes) {
      const bytes = randomBytes(size)
      const sealed = await codec.seal(context, bytes)
      expect(Buffer.from(await codec.open(context, sealed)).equals(bytes)).toBe(true)
    }
  })

  it('refuses to seal more than 1 MiB', async () => {
    await expect(codec.seal(context, Buffer.alloc(1_048_577))).rejects.toMatchObject({
      code: 'ERR_STORE_INVALID',
    })
  })

  it('X01 shows the length only in steps of 64 bytes', async () => {
    const lengths = new Map<number, number>()
    for (let size = 0; size <= 200; size++) {
      const { payload } = await codec.seal(context, randomBytes(size))
      lengths.set(payload.length, (lengths.get(payload.length) ?? 0) + 1)
    }
    expect([...lengths]).toEqual([
      [29 + 64, 61],
      [29 + 128, 64],
      [29 + 192, 64],
      [29 + 256, 12],
    ])
  })

  it('leaves the plaintext of the caller alone', async () => {
    const mine = Buffer.from(CANARY)
    await codec.seal(context, mine)
    expect(mine.toString()).toBe(CANARY)
  })

  // NIST SP 800-38D section 8: one repeated initialisation vector under one key breaks GCM. Every
  // payload has a key of its own besides. By day 10,000; nightly: ENVELOPE_SEALS=1000000.
  it('X10 repeats no initialisation vector and no ciphertext for one plaintext', async () => {
    const count = Number(process.env.ENVELOPE_SEALS ?? (isLongForm ? 100_000 : 10_000))
    const seen = new Set<string>()
    for (let index = 0; index < count; index++) {
      const { payload, wrappedKey } = await codec.seal(context, plaintext)
      seen.add(`w${Buffer.from(wrappedKey.bytes).toString('latin1', 1, 13)}`)
      seen.add(`p${Buffer.from(payload).toString('latin1', 1, 13)}`)
      seen.add(`c${Buffer.from(payload).toString('latin1', 13, 45)}`)
    }
    expect(seen.size).toBe(3 * count)
  }, 300_000)
})

describe('open() of damaged records', () => {
  it('X06 refuses every flipped bit of the payload', async () => {
    for (const payload of flips(envelope.payload)) {
      await expect(codec.open(context, { ...envelope, payload })).rejects.toMatchObject(integrity)
    }
  })

  it('X06 refuses every flipped bit of the wrapped key', async () => {
    for (const bytes of flips(envelope.wrappedKey.bytes)) {
      await expect(codec.open(context, withWrapped(bytes))).rejects.toMatchObject(integrity)
    }
  })

  it('X07 refuses every truncation, an appended byte, an empty and a missing value', async () => {
    const { payload, wrappedKey } = envelope
    const payloads: unknown[] = [undefined, null, '', Buffer.concat([payload, Buffer.from([0])])]
    const wrapped: unknown[] = [undefined, null, Buffer.concat([wrappedKey.bytes, Buffer.alloc(1)])]
    for (let end = 0; end < payload.length; end++) payloads.push(payload.subarray(0, end))
    for (let end = 0; end < wrappedKey.bytes.length; end++) {
      wrapped.push(wrappedKey.bytes.subarray(0, end))
    }
    for (const each of payloads as Uint8Array[]) {
      await expect(codec.open(context, { ...envelope, payload: each })).rejects.toMatchObject(
        integrity,
      )
    }
    for (const each of wrapped as Uint8Array[]) {
      await expect(codec.open(context, withWrapped(each))).rejects.toMatchObject(integrity)
    }
    const missing = { payload } as unknown as Envelope
    await expect(codec.open(context, missing)).rejects.toMatchObject(integrity)
  })

  it('refuses a tag that was cut to 4 bytes, though it is the right one', async () => {
    const bytes = Buffer.from(key, 'base64')
    const dataKey = randomBytes(32)
    const keyId = keyIdOf(bytes)
    const make = (tagBytes: number): Envelope => ({
      wrappedKey: {
        keyId,
        bytes: encrypt(bytes, randomBytes(12), associatedData(context, keyId), dataKey, tagBytes),
      },
      payload: encrypt(dataKey, randomBytes(12), associatedData(context), pad(plaintext), tagBytes),
    })
    const whole = make(16)
    expect(Buffer.from(await codec.open(context, whole)).toString()).toBe(CANARY)
    for (const tagBytes of [4, 8, 12, 15]) {
      const cut = make(tagBytes)
      await expect(codec.open(context, { ...whole, payload: cut.payload })).rejects.toMatchObject(
        integrity,
      )
      await expect(
        codec.open(context, { ...whole, wrappedKey: cut.wrappedKey }),
      ).rejects.toMatchObject(integrity)
    }
  })

  it.each<[string, (padded: Buffer) => Buffer]>([
    ['a padding byte that is not zero', (padded) => padded.fill(1, 63)],
    ['a length beyond the end', (padded) => padded.fill(255, 0, 4)],
    ['a length one over the end', (padded) => padded.fill(61, 3, 4)],
    ['a whole block of padding too much', (padded) => Buffer.concat([padded, Buffer.alloc(64)])],
    ['no whole block', (padded) => padded.subarray(0, 63)],
    ['nothing', () => Buffer.alloc(0)],
  ])('refuses %s under good tags', async (_title, change) => {
    const bytes = Buffer.from(key, 'base64')
    const dataKey = randomBytes(32)
    const keyId = keyIdOf(bytes)
    const wrapped = encrypt(bytes, randomBytes(12), associatedData(context, keyId), dataKey)
    const make = (padded: Buffer): Envelope => ({
      wrappedKey: { keyId, bytes: wrapped },
      payload: encrypt(dataKey, randomBytes(12), associatedData(context), padded),
    })
    await expect(codec.open(context, make(pad(plaintext)))).resolves.toHaveLength(CANARY.length)
    await expect(codec.open(context, make(change(pad(plaintext))))).rejects.toMatchObject(integrity)
  })

  it('refuses a data key of another length', async () => {
    const bytes = Buffer.from(key, 'base64')
    const keyId = keyIdOf(bytes)
    const wrapped = encrypt(bytes, randomBytes(12), associatedData(context, keyId), randomBytes(16))
    await expect(codec.open(context, withWrapped(wrapped))).rejects.toMatchObject(unavailable)
  })
})

describe('open() under another context', () => {
  it.each<[string, EnvelopeContext, EnvelopeContext]>([
    ['a part that moved its last letter', ['n', 'a', 'bc'], ['n', 'ab', 'c']],
    ['two parts joined', ['n', 'a', 'b'], ['n', 'ab']],
    ['an empty part more', ['n', 'a'], ['n', 'a', '']],
    ['an empty part elsewhere', ['n', '', 'a'], ['n', 'a', '']],
    ['the parts in another order', ['n', 'a', 'b'], ['n', 'b', 'a']],
    ['one part less', ['n', 'a', 'b'], ['n', 'a']],
    ['a length in a part', ['n', 'a\0\0\0\x01b'], ['n', 'a', 'b']],
    ['another normalisation', ['n', '\u00e9'], ['n', 'e\u0301']],
    ['another case', ['n', 'A'], ['n', 'a']],
  ])('X02 refuses %s', async (_title, sealed, asked) => {
    const record = await codec.seal(sealed, plaintext)
    await expect(codec.open(sealed, record)).resolves.toHaveLength(CANARY.length)
    await expect(codec.open(asked, record)).rejects.toMatchObject(integrity)
    await expect(codec.rewrap(asked, record)).rejects.toMatchObject(integrity)
  })

  it('X02 refuses the payload of one record with the wrapped key of another', async () => {
    const other = await codec.seal(context, plaintext)
    const mixed = { wrappedKey: other.wrappedKey, payload: envelope.payload }
    await expect(codec.open(context, mixed)).rejects.toMatchObject(integrity)
  })

  it('refuses a lone surrogate, and takes a pair', async () => {
    await expect(codec.seal(['n', '\ud83d'], plaintext)).rejects.toMatchObject({
      code: 'ERR_STORE_INVALID',
    })
    const sealed = await codec.seal(['n', '\ud83d\udd11'], plaintext)
    await expect(codec.open(['n', '\ud83d\udd11'], sealed)).resolves.toHaveLength(CANARY.length)
  })
})

describe('associated data', () => {
  // Short ASCII parts are formatted on a path of their own.
  it.each<[string, EnvelopeContext]>([
    ['nothing but the label', []],
    ['an empty part', ['']],
    ['a part of 127 characters', ['n', 'x'.repeat(127)]],
    ['a part of 128 characters', ['n', 'x'.repeat(128)]],
    ['a part of 65,541 characters', ['n', 'x'.repeat(65_541)]],
    ['the characters 0 and 127', ['n', '\0\x7f']],
    ['the character 128', ['n', '\x80']],
    ['text outside ASCII', ['n', 'J\u00f6rg', '\u{1F511}', '\u6f22']],
  ])('binds %s as documented', async (_title, parts) => {
    const bytes = Buffer.from(key, 'base64')
    const dataKey = randomBytes(32)
    const keyId = keyIdOf(bytes)
    const documented: Envelope = {
      wrappedKey: {
        keyId,
        bytes: encrypt(bytes, randomBytes(12), associatedData(parts, keyId), dataKey),
      },
      payload: encrypt(dataKey, randomBytes(12), associatedData(parts), pad(plaintext)),
    }
    expect(Buffer.from(await codec.open(parts, documented)).toString()).toBe(CANARY)
  })
})

describe('key ring', () => {
  it('X11 opens under every key and seals under the first', async () => {
    const next = generateEncryptionKey()
    const ring = codecFor(`${next},${key}`)
    expect(Buffer.from(await ring.open(context, envelope)).toString()).toBe(CANARY)
    const sealed = await ring.seal(context, plaintext)
    expect(sealed.wrappedKey.keyId).toBe(ring.currentKeyId)
    expect(ring.keyIds).toEqual([ring.currentKeyId, codec.currentKeyId])
    await expect(codecFor(next).open(context, sealed)).resolves.toHaveLength(CANARY.length)
  })

  it('calls a record under a key that is not here unavailable, and names the key', async () => {
    const error = await codecFor(generateEncryptionKey())
      .open(context, envelope)
      .catch((each: unknown) => each)
    expect(error).toMatchObject(unavailable)
    expect(String(error)).toContain(codec.currentKeyId)
    expect(String(error)).toContain('MCP_AUTH_ENCRYPTION_KEYS')
  })

  it('calls a record whose key id was replaced by another known one damaged', async () => {
    const ring = codecFor(`${generateEncryptionKey()},${key}`)
    const wrappedKey = { ...envelope.wrappedKey, keyId: ring.currentKeyId }
    await expect(ring.open(context, { ...envelope, wrappedKey })).rejects.toMatchObject(integrity)
  })

  it.each(['', 'x', 'ABCDEF0123456789', `0123456789abcdef\n`])(
    'refuses the key id %j',
    async (id) => {
      const wrappedKey = { ...envelope.wrappedKey, keyId: id }
      await expect(codec.open(context, { ...envelope, wrappedKey })).rejects.toMatchObject(
        integrity,
      )
    },
  )
})

describe('rewrap()', () => {
  it('moves the data key to the current key and leaves the payload alone', async () => {
    const next = generateEncryptionKey()
    const wrappedKey = await codecFor(`${next},${key}`).rewrap(context, envelope)
    const opened = await codecFor(next).open(context, { wrappedKey, payload: envelope.payload })
    expect(Buffer.from(opened).toString()).toBe(CANARY)
    await expect(
      codec.open(context, { wrappedKey, payload: envelope.payload }),
    ).rejects.toMatchObject(unavailable)
  })

  it('answers with the same wrapped key under the current key', async () => {
    expect(await codec.rewrap(context, envelope)).toBe(envelope.wrappedKey)
  })

  it('refuses a damaged payload, under an old and under the current key', async () => {
    const payload = Buffer.from(envelope.payload)
    payload[20] = (payload[20] ?? 0) ^ 1
    const damaged = { ...envelope, payload }
    await expect(codec.rewrap(context, damaged)).rejects.toMatchObject(integrity)
    await expect(
      codecFor(`${generateEncryptionKey()},${key}`).rewrap(context, damaged),
    ).rejects.toMatchObject(integrity)
  })
})

describe('what can be seen', () => {
  it('X33 shows neither key nor plaintext in objects and errors', async () => {
    const keyProvider = localKeyProvider({ keys: key })
    const payload = Buffer.from(envelope.payload).fill(0, 30)
    const error = await codec.open(context, { ...envelope, payload }).catch((each: unknown) => each)
    const raw = Buffer.from(key, 'base64')
    const shown = [keyProvider, codec, envelope, error]
      .flatMap((each) => [
        inspect(each, { depth: 9, showHidden: true, getters: true }),
        JSON.stringify(each),
        String(each),
      ])
      .join('\n')
    for (const secret of [CANARY, key, raw.toString('hex'), [...raw.subarray(0, 8)].join(',')]) {
      expect(shown).not.toContain(secret)
    }
  })
})

describe('createEnvelopeCodec()', () => {
  const keyProvider = localKeyProvider({ keys: generateEncryptionKey() })

  it.each<[string, unknown]>([
    ['no key provider', {}],
    ['something else', { keyProvider: {} }],
    ['a key id that is not hex', { keyProvider: { ...keyProvider, keyIds: ['current'] } }],
    ['a current key that is not listed', { keyProvider: { ...keyProvider, keyIds: [] } }],
    ['an unknown option', { keyProvider, cache: 1 }],
    ['a negative cache', { keyProvider, unwrapCacheEntries: -1 }],
    ['a boundless cache', { keyProvider, unwrapCacheEntries: Number.POSITIVE_INFINITY }],
  ])('refuses %s', (_title, options) => {
    expect(() => createEnvelopeCodec(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
  })
})
