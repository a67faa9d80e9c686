import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { formatAssociatedData } from '../../src/envelope/associated-data.js'
import { createEnvelopeCodec } from '../../src/envelope/codec.js'
import { formatCredential, parseCredential } from '../../src/envelope/credential-plaintext.js'
import { generateEncryptionKey, parseEncryptionKeys } from '../../src/envelope/encryption-keys.js'
import { checkEnvelope, isWrappedBytes, parseEnvelope } from '../../src/envelope/envelope-bytes.js'
import type { KeyProvider } from '../../src/envelope/key-provider.js'
import { localKeyProvider } from '../../src/envelope/local-key-provider.js'
import { removePadding } from '../../src/envelope/padding.js'
import { openBytes, sealBytes } from '../../src/envelope/sealed-bytes.js'
import { createFakeKms } from './fake-kms.js'

const bytes = Buffer.from('fbff00112233445566778899aabbccddeeff0123456789abcdeffedcba98fffe', 'hex')
const standard = bytes.toString('base64')
const url = bytes.toString('base64url')
const encoded = (text: string) => Buffer.from(text).toString('base64')
const plaintext = Buffer.from('text')

function thrownBy(run: () => unknown): Error & { code?: string; cause?: unknown } {
  try {
    run()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}

const sound = () => localKeyProvider({ keys: standard })
const providerWith = (members: object) => ({ ...sound(), ...members }) as KeyProvider

describe('encryption keys', () => {
  const malformed = 'is not 32 bytes in base64 or base64url'
  it.each<[string, unknown, string]>([
    ['no text', undefined, 'is empty'],
    ['64 hex digits', 'aF'.repeat(32), 'is written in hex; write its 32 bytes in base64'],
    ['64 hex digits and one before', `${'aF'.repeat(32)}a`, malformed],
    ['64 hex digits behind another letter', `x${'aF'.repeat(32)}`, malformed],
    ['64 hex digits before another letter', `${'aF'.repeat(32)}x`, malformed],
    ['one hex digit', 'a', malformed],
    ['64 other letters', 'z'.repeat(64), malformed],
    ['33 bytes in base64url, behind', `A${url}`, malformed],
    ['33 bytes in base64url, before', `${url}A`, malformed],
    ['35 bytes in base64', `AAAA${standard}`, malformed],
    ['one byte repeated', encoded('\x07'.repeat(32)), 'is one byte repeated'],
    [
      'a text with blanks',
      encoded('correct horse battery staple yes'),
      'is a text, such as a password',
    ],
    [
      'a text with a tilde',
      encoded('~orrect-horse-battery-staple-yes'),
      'is a text, such as a password',
    ],
  ])('says what is wrong with %s', (_what, text, message) => {
    const error = thrownBy(() => parseEncryptionKeys(text as string))
    expect(error).toMatchObject({
      code: 'ERR_CONFIGURATION',
      problems: [
        {
          path: 'keys',
          message: `the first key ${message}; make one with \`mcp-auth keys generate\``,
        },
      ],
    })
    expect(error.message).toContain('encryption keys')
  })

  it.each(['\x1forrect-horse-battery-staple-yes', '\x7forrect-horse-battery-staple-yes'])(
    'takes 32 bytes of which one is no visible character: %j',
    (text) => {
      expect(parseEncryptionKeys(encoded(text))).toHaveLength(1)
    },
  )

  it('looks at no more than 16 keys', () => {
    const keys = Array.from({ length: 16 }, generateEncryptionKey)
    expect(parseEncryptionKeys(keys.join())).toHaveLength(16)
    expect(thrownBy(() => parseEncryptionKeys([...keys, 'x'].join()))).toMatchObject({
      problems: [{ path: 'keys', message: 'must be at most 16 keys' }],
    })
  })

  it('are a text', () => {
    const error = thrownBy(() => localKeyProvider({ keys: 7 as never }))
    expect(error).toMatchObject({ problems: [{ path: 'keys', message: 'must be a string' }] })
    expect(error.message).toContain('localKeyProvider')
  })
})

describe('the options of a codec', () => {
  const { keyIds } = sound()
  const wrong = 'must be a KeyProvider whose key ids are 16 hex digits, the current one among them'
  it.each<[string, unknown]>([
    ['null', null],
    ['a text', 'provider'],
    ['nothing', undefined],
    ['no wrap()', providerWith({ wrap: undefined })],
    ['no unwrap()', providerWith({ unwrap: undefined })],
    ['neither', providerWith({ wrap: undefined, unwrap: undefined })],
    ['no list of ids', providerWith({ keyIds: new Set(keyIds) })],
    ['a text in place of the list', providerWith({ keyIds: keyIds[0] })],
    ['one id of two malformed', providerWith({ keyIds: [...keyIds, 'x'] })],
    ['a malformed id', providerWith({ keyIds: ['x'], currentKeyId: 'x' })],
    ['a current id that is not listed', providerWith({ currentKeyId: '0'.repeat(16) })],
    ['a current id that is no text', providerWith({ currentKeyId: 7 })],
  ])('refuse a key provider that is %s', (_what, keyProvider) => {
    const error = thrownBy(() => createEnvelopeCodec({ keyProvider: keyProvider as KeyProvider }))
    expect(error).toMatchObject({
      code: 'ERR_CONFIGURATION',
      problems: [{ path: 'keyProvider', message: wrong }],
    })
    expect(error.message).toContain('createEnvelopeCodec')
  })

  it.each<[unknown, string]>([
    [1.5, 'must be an integer'],
    ['7', 'must be an integer'],
    [-1, 'must not be negative'],
    [100_001, 'must be at most 100000'],
  ])('refuse %j entries of the cache', (unwrapCacheEntries, message) => {
    const options = { keyProvider: sound(), unwrapCacheEntries: unwrapCacheEntries as number }
    expect(thrownBy(() => createEnvelopeCodec(options))).toMatchObject({
      problems: [{ path: 'unwrapCacheEntries', message }],
    })
  })

  it.each([0, 1, 100_000])('take %j entries of the cache', async (unwrapCacheEntries) => {
    const codec = createEnvelopeCodec({ keyProvider: sound(), unwrapCacheEntries })
    const envelope = await codec.seal(['note'], plaintext)
    for (const _ of [1, 2]) {
      expect(Buffer.from(await codec.open(['note'], envelope))).toEqual(plaintext)
    }
  })
})

describe('a codec', () => {
  const unavailable = (message: string) => ({ code: 'ERR_STORE_UNAVAILABLE', message })

  it('says what its key provider did', async () => {
    const failing = createEnvelopeCodec({
      keyProvider: providerWith({
        wrap() {
          throw new Error('canary')
        },
      }),
    })
    await expect(failing.seal(['note'], plaintext)).rejects.toMatchObject(
      unavailable('the key provider could not be asked'),
    )
    const strange = createEnvelopeCodec({
      keyProvider: providerWith({
        wrap: () => ({ keyId: '0'.repeat(16), bytes: randomBytes(61) }),
      }),
    })
    await expect(strange.seal(['note'], plaintext)).rejects.toMatchObject(
      unavailable(
        'the key provider answered with something other than a key wrapped under its current key',
      ),
    )
    const envelope = await createEnvelopeCodec({ keyProvider: sound() }).seal(['note'], plaintext)
    const short = createEnvelopeCodec({
      keyProvider: providerWith({ unwrap: () => randomBytes(31) }),
    })
    await expect(short.open(['note'], envelope)).rejects.toMatchObject(
      unavailable('the key provider answered with something other than a data key'),
    )
  })

  it('asks nobody for a key that is not listed', async () => {
    const kms = createFakeKms()
    const codec = createEnvelopeCodec({ keyProvider: kms })
    const { wrappedKey, payload } = await codec.seal(['note'], plaintext)
    const foreign = { payload, wrappedKey: { ...wrappedKey, keyId: '0'.repeat(16) } }
    await expect(codec.open(['note'], foreign)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    expect(kms.calls.unwrap).toBe(0)
  })

  it('says how long a plaintext may be', async () => {
    const codec = createEnvelopeCodec({ keyProvider: sound() })
    await expect(codec.seal(['note'], Buffer.alloc(1024 * 1024 + 1))).rejects.toMatchObject({
      code: 'ERR_STORE_INVALID',
      message: 'the plaintext must be at most 1048576 bytes',
    })
  })

  it('X33 erases the data key after use', async () => {
    const seen: Uint8Array[] = []
    const local = sound()
    const codec = createEnvelopeCodec({
      keyProvider: providerWith({
        wrap(dataKey: Uint8Array, associatedData: Uint8Array) {
          seen.push(dataKey)
          expect(dataKey.some((byte) => byte !== 0)).toBe(true)
          return local.wrap(dataKey, associatedData)
        },
      }),
    })
    await codec.seal(['note'], plaintext)
    expect(seen.map((dataKey) => dataKey.every((byte) => byte === 0))).toEqual([true])
  })

  it('keeps unwrapped keys of long contexts apart', async () => {
    const kms = createFakeKms()
    const codec = createEnvelopeCodec({ keyProvider: kms, unwrapCacheEntries: 10 })
    const contexts = ['a', 'b'].map((letter) => [letter.repeat(600)])
    for (const context of contexts) {
      const envelope = await codec.seal(context, Buffer.from(context[0] ?? ''))
      for (const _ of [1, 2]) {
        expect(Buffer.from(await codec.open(context, envelope)).toString()).toBe(context[0])
      }
    }
    expect(kms.calls.unwrap).toBe(2)
  })

  it('says which context it does not take', () => {
    expect(thrownBy(() => formatAssociatedData(['\ud800'], '0'.repeat(16)))).toMatchObject({
      code: 'ERR_STORE_INVALID',
      message: 'a part of the context contains a lone surrogate',
    })
  })
})

describe('stored bytes', () => {
  const integrity = (message: string) => ({ code: 'ERR_STORE_INTEGRITY', message })
  const key = randomBytes(32)
  const place = Buffer.from('place')

  it('may hold nothing, and no less', () => {
    const sealed = sealBytes(key, place, new Uint8Array())
    expect(sealed).toHaveLength(29)
    expect(openBytes(key, place, sealed)).toHaveLength(0)
    const cut = thrownBy(() => openBytes(key, place, sealed.subarray(0, 28)))
    expect(cut).toMatchObject(integrity('the stored bytes are truncated or in an unknown format'))
    const moved = thrownBy(() => openBytes(key, Buffer.from('other'), sealed))
    expect(moved).toMatchObject(
      integrity('the stored bytes are damaged or belong to another record'),
    )
    expect(moved.cause).toBeInstanceOf(Error)
  })

  it('have no padding of a whole block', () => {
    const padded = Buffer.alloc(128)
    padded.writeUInt32BE(61)
    expect(removePadding(padded)).toHaveLength(61)
    padded.writeUInt32BE(60)
    expect(thrownBy(() => removePadding(padded))).toMatchObject(
      integrity('the padding of the stored value is malformed'),
    )
  })

  it('are an envelope only with a key id and a wrapped key', () => {
    const keyId = '0123456789abcdef'
    const payload = Buffer.alloc(29 + 64)
    const envelopeWith = (id: unknown) => () =>
      checkEnvelope({ wrappedKey: { keyId: id as string, bytes: Buffer.alloc(61) }, payload })
    expect(envelopeWith(keyId)()).toHaveProperty('payload')
    const incomplete = integrity('the stored envelope is incomplete')
    for (const id of [`x${keyId}`, `${keyId}x`, [keyId], undefined]) {
      expect(thrownBy(envelopeWith(id))).toMatchObject(incomplete)
    }
    expect([1, 4096, 0, 4097].map((size) => isWrappedBytes(Buffer.alloc(size)))).toEqual([
      true,
      true,
      false,
      false,
    ])
    const header = Buffer.alloc(11)
    header[0] = 1
    expect(thrownBy(() => parseEnvelope(header))).toMatchObject(incomplete)
    expect(thrownBy(() => parseEnvelope(header.subarray(0, 10)))).toMatchObject(
      integrity('the stored envelope is truncated or in an unknown format'),
    )
  })

  it('are a credential only in UTF-8 and without a mark in front', () => {
    const stored = Buffer.from(formatCredential({ kind: 'api-key', secret: 'canary' }))
    expect(parseCredential(stored)).toMatchObject({ secret: 'canary' })
    const damaged = Buffer.from(stored)
    damaged[damaged.indexOf('canary')] = 0xff
    for (const bad of [damaged, Buffer.concat([Buffer.from('\ufeff'), stored]), Buffer.from('x')]) {
      expect(thrownBy(() => parseCredential(bad))).toMatchObject(
        integrity('the stored value is not a credential'),
      )
    }
  })
})
