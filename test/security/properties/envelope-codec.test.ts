import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAssociatedData } from '../../../packages/mcp-auth-middleware/src/envelope/associated-data.js'
import {
  createEnvelopeCodec,
  type Envelope,
  type EnvelopeCodec,
  type EnvelopeContext,
  formatEnvelope,
  generateEncryptionKey,
  localKeyProvider,
  parseEnvelope,
} from '../../../packages/mcp-auth-middleware/src/envelope.js'
import { expectToHold, isCaught, PATIENCE } from './support/property.js'

type Codec = Pick<EnvelopeCodec, 'seal' | 'open'>
type Format = (context: EnvelopeContext) => Uint8Array

const codec: Codec = createEnvelopeCodec({
  keyProvider: localKeyProvider({ keys: generateEncryptionKey() }),
})

const plaintexts = fc.uint8Array({ maxLength: 300 })
/** Short texts that can be cut and joined in many ways, and texts in which a byte is not a character. */
const part = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\u0001', '4'), maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.string({ unit: fc.constantFrom('a', 'é', '\u{1f600}'), minLength: 125, maxLength: 131 }),
)
const contexts = fc.array(part, { minLength: 1, maxLength: 9 })

/** Contexts that differ as little as two contexts can. */
const neighbours = fc
  .tuple(
    contexts,
    fc.nat(),
    fc.constantFrom('move', 'split', 'join', 'swap', 'append', 'drop', 'edit'),
  )
  .map(([context, at, change]): [EnvelopeContext, EnvelopeContext] => {
    const index = at % context.length
    const [one = '', other = ''] = [context[index], context[index + 1]]
    const characters = [...one]
    const replace = (removed: number, ...parts: readonly string[]) =>
      context.toSpliced(index, removed, ...parts)
    switch (change) {
      case 'move':
        return [
          context,
          replace(2, characters.slice(0, -1).join(''), (characters.at(-1) ?? '') + other),
        ]
      case 'split':
        return [context, replace(1, characters.slice(0, 1).join(''), characters.slice(1).join(''))]
      case 'join':
        return [context, replace(2, one + other)]
      case 'swap':
        return [context, replace(2, other, one)]
      case 'append':
        return [context, [...context, '']]
      case 'drop':
        return [context, replace(1)]
      default:
        return [context, replace(1, `${one}a`)]
    }
  })
  .filter(([one, other]) => JSON.stringify(one) !== JSON.stringify(other))

async function codeOf(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run()
    return 'done'
  } catch (error) {
    return Reflect.get(Object(error), 'code') ?? error
  }
}

const roundTrips = (tested: Codec) =>
  fc.asyncProperty(contexts, plaintexts, async (context, plaintext) => {
    const stored = formatEnvelope(await tested.seal(context, plaintext))
    const opened = await tested.open(context, parseEnvelope(stored))
    expect(Buffer.from(opened).equals(plaintext)).toBe(true)
    expect(Buffer.from(formatEnvelope(parseEnvelope(stored))).equals(stored)).toBe(true)
  })

/** X06: one bit of the whole record, wherever it is. */
const refusesEveryFlip = (tested: Codec) =>
  fc.asyncProperty(contexts, plaintexts, fc.nat(), async (context, plaintext, at) => {
    const bytes = Buffer.from(formatEnvelope(await tested.seal(context, plaintext)))
    const bit = at % (bytes.length * 8)
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    const code = await codeOf(async () => tested.open(context, parseEnvelope(bytes)))
    // The key id is the 8 bytes behind the format: another one names a key that is not here.
    const isKeyId = bit >> 3 >= 1 && bit >> 3 <= 8
    expect(code).toBe(isKeyId ? 'ERR_STORE_UNAVAILABLE' : 'ERR_STORE_INTEGRITY')
  })

/** X02: a record copied to the place beside its own. */
const refusesOtherContexts = (tested: Codec) =>
  fc.asyncProperty(neighbours, plaintexts, async ([context, other], plaintext) => {
    const envelope = await tested.seal(context, plaintext)
    expect(await codeOf(() => tested.open(other, envelope))).toBe('ERR_STORE_INTEGRITY')
  })

const isInjective = (format: Format) =>
  fc.property(neighbours, ([context, other]) => {
    expect(Buffer.from(format(context)).equals(format(other))).toBe(false)
  })

const associatedData: Format = (context) => formatAssociatedData(context, '0'.repeat(16)).payload

describe('the envelope codec', () => {
  it('returns what was sealed, for any context and bytes', { timeout: PATIENCE }, async () => {
    await expectToHold(roundTrips(codec), {
      part: 'envelope-round-trip',
      method: 'any context and bytes, sealed, written, read and opened',
      runs: 800,
      longRuns: 100_000,
    })
  })

  it('X06 refuses a record with any one bit flipped', { timeout: PATIENCE }, async () => {
    await expectToHold(refusesEveryFlip(codec), {
      part: 'envelope-bit-flips',
      method: 'one flipped bit anywhere in a stored record',
      runs: 2000,
      longRuns: 300_000,
    })
  })

  it('X02 refuses a record under any other context', { timeout: PATIENCE }, async () => {
    await expectToHold(refusesOtherContexts(codec), {
      part: 'envelope-contexts',
      method: 'a record opened under a context that differs by one boundary, part or character',
      runs: 1500,
      longRuns: 200_000,
    })
  })

  it('X02 writes associated data that no two contexts share', { timeout: PATIENCE }, async () => {
    await expectToHold(isInjective(associatedData), {
      part: 'associated-data',
      method: 'associated data of contexts that differ by one boundary, part or character',
      runs: 5000,
      longRuns: 500_000,
    })
  })

  it('X07 answers any bytes with a record or ERR_STORE_INTEGRITY', {
    timeout: PATIENCE,
  }, async () => {
    const header = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from([1, ...bytes]))
    const stored = fc.oneof(fc.uint8Array({ maxLength: 300 }), header)
    const isTotal = fc.asyncProperty(stored, contexts, async (bytes, context) => {
      const code = await codeOf(async () => codec.open(context, parseEnvelope(bytes)))
      expect(['ERR_STORE_INTEGRITY', 'ERR_STORE_UNAVAILABLE']).toContain(code)
    })
    await expectToHold(isTotal, {
      part: 'envelope-garbage',
      method: 'any bytes in place of a stored record',
      runs: 2000,
      longRuns: 300_000,
    })
  })

  it('seals under any texts, or refuses a lone surrogate', { timeout: PATIENCE }, async () => {
    const wild = fc.array(fc.string({ unit: fc.constantFrom('a', '\ud800', '\udc00', 'é') }), {
      maxLength: 5,
    })
    const isTotal = fc.asyncProperty(wild, plaintexts, async (context, plaintext) => {
      const isLegal = !context.some((each) => /\p{Cs}/u.test(each))
      const code = await codeOf(() => codec.seal(context, plaintext))
      expect(code).toBe(isLegal ? 'done' : 'ERR_STORE_INVALID')
    })
    await expectToHold(isTotal, {
      part: 'envelope-encoder',
      method: 'contexts of any texts, broken ones among them',
      runs: 1000,
      longRuns: 50_000,
    })
  })
})

/** The real codec, used wrongly. */
const used = (change: (context: EnvelopeContext) => EnvelopeContext): Codec => ({
  seal: (context, plaintext) => codec.seal(change(context), plaintext),
  open: (context, envelope) => codec.open(change(context), envelope),
})

/** Encrypts without authenticating: the last byte of the tag is replaced by the one that fits. */
const malleable: Codec = {
  async seal(context, plaintext) {
    const envelope = await codec.seal(context, plaintext)
    sealed.set(context.join(), envelope)
    return envelope
  },
  open: (context, envelope) => codec.open(context, sealed.get(context.join()) ?? envelope),
}
const sealed = new Map<string, Envelope>()

describe('the properties catch a codec that', () => {
  it('X02 joins the parts of the context', async () => {
    expect(await isCaught(refusesOtherContexts(used((context) => [context.join('')])))).toBe(true)
  })

  it('X02 separates the parts by a character that they may contain', async () => {
    expect(await isCaught(refusesOtherContexts(used((context) => [context.join('\0')])))).toBe(true)
  })

  it('X02 leaves the last part out', async () => {
    expect(await isCaught(refusesOtherContexts(used((c) => c.slice(0, -1))))).toBe(true)
  })

  it('X06 does not authenticate', async () => {
    expect(await isCaught(refusesEveryFlip(malleable))).toBe(true)
  })

  it('cuts off zeros at the end', async () => {
    const cutting: Codec = {
      seal: codec.seal,
      async open(context, envelope) {
        const bytes = Buffer.from(await codec.open(context, envelope))
        return bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes
      },
    }
    expect(await isCaught(roundTrips(cutting))).toBe(true)
  })

  it.each<[string, Format]>([
    ['joins', (context) => Buffer.from(context.join(''))],
    [
      'counts characters, not bytes',
      (context) => Buffer.from(context.map((p) => [...p].length + p.slice(0, -1)).join('')),
    ],
    ['counts the parts alone', (context) => Buffer.from(`${context.length}:${context.join('')}`)],
  ])('X02 %s', async (_fault, format) => {
    expect(await isCaught(isInjective(format), 5000)).toBe(true)
  })
})
