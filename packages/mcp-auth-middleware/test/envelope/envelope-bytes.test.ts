import { describe, expect, it } from 'vitest'
import {
  createEnvelopeCodec,
  formatEnvelope,
  generateEncryptionKey,
  localKeyProvider,
  parseEnvelope,
} from '../../src/envelope.js'

const context = ['note', 'a']
const codec = createEnvelopeCodec({
  keyProvider: localKeyProvider({ keys: generateEncryptionKey() }),
})
const envelope = await codec.seal(context, Buffer.from('canary-envelope'))
const bytes = formatEnvelope(envelope)

const integrity = expect.objectContaining({ code: 'ERR_STORE_INTEGRITY' })

describe('formatEnvelope() and parseEnvelope()', () => {
  it('return what was formatted', async () => {
    const parsed = parseEnvelope(bytes)
    expect(parsed.wrappedKey.keyId).toBe(envelope.wrappedKey.keyId)
    expect(Buffer.from(await codec.open(context, parsed)).toString()).toBe('canary-envelope')
  })

  it('reads bytes that start in the middle of a buffer', () => {
    const offset = new Uint8Array(Buffer.concat([Buffer.alloc(7, 1), bytes])).subarray(7)
    expect(Buffer.from(formatEnvelope(parseEnvelope(offset))).equals(bytes)).toBe(true)
  })

  it('X07 refuses every truncation and an appended byte', () => {
    for (let end = 0; end < bytes.length; end++) {
      expect(() => parseEnvelope(bytes.subarray(0, end))).toThrow(integrity)
    }
    expect(() => parseEnvelope(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(integrity)
    for (const missing of [undefined, null, 'text']) {
      expect(() => parseEnvelope(missing as never)).toThrow(integrity)
    }
  })

  it('X06 opens with no flipped bit', async () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const attempt = (async () => codec.open(context, parseEnvelope(flipped)))()
      // Another key id is a key that is not here; everything else is damage.
      const code = bit >= 8 && bit < 72 ? 'ERR_STORE_UNAVAILABLE' : 'ERR_STORE_INTEGRITY'
      await expect(attempt).rejects.toMatchObject({ code })
    }
  })
})
