import { afterEach, describe, expect, it, vi } from 'vitest'
import { createEnvelopeCodec, type Envelope, type KeyProvider } from '../../src/envelope.js'
import { createFakeKms } from './fake-kms.js'

const CANARY = 'canary-kms-secret'
const plaintext = Buffer.from(CANARY)
const context = ['note', 'a']
const unavailable = { code: 'ERR_STORE_UNAVAILABLE' }
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

afterEach(() => {
  vi.useRealTimers()
})

async function sealed(unwrapCacheEntries = 0) {
  const kms = createFakeKms()
  const codec = createEnvelopeCodec({ keyProvider: kms, unwrapCacheEntries })
  return { kms, codec, envelope: await codec.seal(context, plaintext) }
}

describe('a key provider that answers later', () => {
  it('seals, opens and rewraps', async () => {
    const { codec, envelope, kms } = await sealed()
    expect(text(await codec.open(context, envelope))).toBe(CANARY)
    expect(await codec.rewrap(context, envelope)).toBe(envelope.wrappedKey)
    expect(kms.calls).toEqual({ wrap: 1, unwrap: 2 })
  })

  it('refuses a wrapped key that was moved to another record', async () => {
    const { codec, envelope } = await sealed()
    await expect(codec.open(['note', 'b'], envelope)).rejects.toMatchObject({
      code: 'ERR_STORE_INTEGRITY',
    })
  })

  it('is not asked about a payload that cannot be one', async () => {
    const { codec, envelope, kms } = await sealed()
    const payload = envelope.payload.subarray(0, 40)
    await expect(codec.open(context, { ...envelope, payload })).rejects.toMatchObject({
      code: 'ERR_STORE_INTEGRITY',
    })
    expect(kms.calls.unwrap).toBe(0)
  })
})

describe('an outage of the key provider', () => {
  it('is unavailable with its cause, and over when the provider is back', async () => {
    const { codec, envelope, kms } = await sealed()
    kms.outage = new Error('connect ECONNREFUSED')
    for (const attempt of [
      () => codec.open(context, envelope),
      () => codec.seal(context, plaintext),
      () => codec.rewrap(context, envelope),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ ...unavailable, cause: kms.outage })
    }
    kms.outage = undefined
    expect(text(await codec.open(context, envelope))).toBe(CANARY)
  })

  it('is unavailable after 2 seconds without an answer', async () => {
    const { codec, envelope, kms } = await sealed()
    kms.outage = 'hang'
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let outcome: unknown = 'pending'
    const attempt = codec.open(context, envelope).catch((error: unknown) => {
      outcome = error
    })
    await vi.advanceTimersByTimeAsync(1999)
    expect(outcome).toBe('pending')
    await vi.advanceTimersByTimeAsync(1)
    await attempt
    expect(outcome).toMatchObject(unavailable)
  })

  it('is unavailable when the provider throws at once', async () => {
    const { envelope, kms } = await sealed()
    const cause = new Error('no credentials')
    const unwrap = () => {
      throw cause
    }
    const codec = createEnvelopeCodec({ keyProvider: { ...kms, unwrap } })
    await expect(codec.open(context, envelope)).rejects.toMatchObject({ ...unavailable, cause })
  })

  it.each<[string, Partial<Record<keyof KeyProvider, unknown>>]>([
    ['a data key of 31 bytes', { unwrap: async () => Buffer.alloc(31) }],
    ['a text', { unwrap: async () => 'x'.repeat(32) }],
    ['nothing', { unwrap: () => undefined }],
    ['nothing later', { unwrap: async () => undefined }],
    ['another key id', { wrap: async () => ({ keyId: '0000000000000000', bytes: plaintext }) }],
    ['no bytes', { wrap: () => ({ keyId: 'fa4e000000000001', bytes: Buffer.alloc(0) }) }],
    ['too many bytes', { wrap: () => ({ keyId: 'fa4e000000000001', bytes: Buffer.alloc(4097) }) }],
  ])('is unavailable when the provider answers with %s', async (_title, change) => {
    const { envelope, kms } = await sealed()
    const keyProvider = { ...kms, ...change } as unknown as KeyProvider
    const codec = createEnvelopeCodec({ keyProvider })
    const attempt =
      'wrap' in change ? codec.seal(context, plaintext) : codec.open(context, envelope)
    await expect(attempt).rejects.toMatchObject(unavailable)
  })
})

describe('unwrapCacheEntries', () => {
  it('asks the provider once per record, also for parallel reads, and during its outage not', async () => {
    const { codec, envelope, kms } = await sealed(10)
    const opened = await Promise.all(
      Array.from({ length: 20 }, () => codec.open(context, envelope)),
    )
    expect(new Set(opened.map(text))).toEqual(new Set([CANARY]))
    kms.outage = new Error('down')
    expect(text(await codec.open(context, envelope))).toBe(CANARY)
    expect(kms.calls.unwrap).toBe(1)
  })

  it('answers nobody who asks with another context or another wrapped key', async () => {
    const { codec, envelope, kms } = await sealed(10)
    await codec.open(context, envelope)
    await expect(codec.open(['note', 'b'], envelope)).rejects.toMatchObject({
      code: 'ERR_STORE_INTEGRITY',
    })
    const bytes = Buffer.from(envelope.wrappedKey.bytes)
    bytes[15] = (bytes[15] ?? 0) ^ 1
    const wrappedKey = { ...envelope.wrappedKey, bytes }
    await expect(codec.open(context, { ...envelope, wrappedKey })).rejects.toMatchObject({
      code: 'ERR_STORE_INTEGRITY',
    })
    expect(kms.calls.unwrap).toBe(3)
  })

  it('still refuses a damaged payload', async () => {
    const { codec, envelope } = await sealed(10)
    await codec.open(context, envelope)
    const payload = Buffer.from(envelope.payload)
    payload[20] = (payload[20] ?? 0) ^ 1
    await expect(codec.open(context, { ...envelope, payload })).rejects.toMatchObject({
      code: 'ERR_STORE_INTEGRITY',
    })
  })

  it('keeps no failure', async () => {
    const { codec, envelope, kms } = await sealed(10)
    kms.outage = new Error('down')
    await expect(codec.open(context, envelope)).rejects.toMatchObject(unavailable)
    kms.outage = undefined
    expect(text(await codec.open(context, envelope))).toBe(CANARY)
  })

  it('holds no more than it may, least recently used out first', async () => {
    const { codec, envelope, kms } = await sealed(2)
    const others: Envelope[] = []
    for (let index = 0; index < 2; index++) others.push(await codec.seal(context, plaintext))
    for (const each of [envelope, ...others]) await codec.open(context, each)
    expect(kms.calls.unwrap).toBe(3)
    for (const each of others) await codec.open(context, each)
    expect(kms.calls.unwrap).toBe(3)
    await codec.open(context, envelope)
    expect(kms.calls.unwrap).toBe(4)
  })

  it('asks again after 5 minutes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    // A cache that is filled at the time 0 of a clock never expires.
    await vi.advanceTimersByTimeAsync(1)
    const { codec, envelope, kms } = await sealed(10)
    await codec.open(context, envelope)
    await vi.advanceTimersByTimeAsync(299_000)
    await codec.open(context, envelope)
    expect(kms.calls.unwrap).toBe(1)
    await vi.advanceTimersByTimeAsync(2000)
    await codec.open(context, envelope)
    expect(kms.calls.unwrap).toBe(2)
  })

  it('asks every time when it is off, which is the default', async () => {
    const { codec, envelope, kms } = await sealed()
    await codec.open(context, envelope)
    await codec.open(context, envelope)
    expect(kms.calls.unwrap).toBe(2)
  })
})
