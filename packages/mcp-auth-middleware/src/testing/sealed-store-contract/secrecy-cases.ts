import assert from 'node:assert/strict'
import { apiKey, serviceKey, userKey } from '../token-store-contract/context.js'
import { bytesOf, recordOf, type SealedStoreContractCase, sealedCase } from './context.js'

const WRITES = 2000
const SAMPLED_WRITES = 200
const PARALLEL = 20

/** The spellings in which a text could stand in a dump. */
function spellingsOf(bytes: Buffer): Buffer[] {
  const hex = bytes.toString('hex')
  const texts = [hex, hex.toUpperCase(), `\\x${hex}`]
  for (let shift = 0; shift < 3; shift++) {
    // Base64 depends on where the text begins; the outer characters also hold bits of its neighbours.
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    const inner = encoded.replaceAll('=', '').slice(shift === 0 ? 0 : shift + 1, -1)
    texts.push(inner, inner.replaceAll('+', '-').replaceAll('/', '_'))
  }
  const wide = Buffer.from(bytes.toString('latin1'), 'utf16le')
  return [bytes, wide, ...texts.map((text) => Buffer.from(text, 'latin1'))]
}

function assertHidden(dump: Uint8Array, what: string, bytes: Buffer): void {
  const haystack = Buffer.from(dump)
  for (const spelling of spellingsOf(bytes)) {
    assert.ok(!haystack.includes(spelling), `the dump shows ${what}`)
  }
}

/** What whoever has the backend may not learn. */
export const secrecyCases: readonly SealedStoreContractCase[] = [
  sealedCase('SS01', 'X01 a dump shows no secret and no key', async (context) => {
    const store = await context.create([
      [serviceKey(), apiKey('canary-service-secret')],
      [
        userKey('ann'),
        {
          kind: 'oauth2',
          secret: 'canary-access-token',
          refreshToken: 'canary-refresh-token',
          scopes: ['canary-scope-name'],
          metadata: { account: 'canary-account-name' },
        },
      ],
    ])
    await store.set(serviceKey(), apiKey('canary-second-secret'))
    const dump = await context.dump(store)
    const records = await context.records(store)
    assert.equal(records.length, 2)
    for (const record of records) {
      const fields = await record.read()
      const size = Object.values(fields).reduce((sum, each) => sum + (each?.length ?? 0), 0)
      assert.ok(size > 0 && dump.length > size, 'the dump is not a dump of the records')
    }
    for (const name of [
      'canary-service-secret',
      'canary-second-secret',
      'canary-access-token',
      'canary-refresh-token',
      'canary-scope-name',
      'canary-account-name',
    ]) {
      assertHidden(dump, name, Buffer.from(name))
    }
    assertHidden(dump, 'the key', Buffer.from(context.key, 'base64'))
    assertHidden(dump, 'the text of the key', Buffer.from(context.key))
  }),

  sealedCase('SS02', 'X01 secrets of similar length look equally long', async (context) => {
    const store = await context.create([])
    const sizeOf = async (length: number): Promise<number> => {
      await store.set(serviceKey(), apiKey('k'.repeat(length)))
      const fields = await (await recordOf(context, store, serviceKey())).read()
      return Object.values(fields).reduce((sum, each) => sum + (each?.length ?? 0), 0)
    }
    const short = new Set<number>()
    for (const length of [1, 8, 24]) short.add(await sizeOf(length))
    assert.equal(short.size, 1, 'the size tells short secrets apart')
    const sizes = new Set<number>()
    for (let length = 100; length < 164; length++) sizes.add(await sizeOf(length))
    assert.ok(sizes.size <= 2, `64 neighbouring lengths gave ${sizes.size} sizes`)
  }),

  sealedCase('SS03', 'X10 encrypts equal values differently every time', async (context) => {
    const store = await context.create([])
    const writes = context.effort === 'sample' ? SAMPLED_WRITES : WRITES
    const keys = Array.from({ length: writes }, (_, index) => userKey(`user-${index}`))
    for (let start = 0; start < keys.length; start += PARALLEL) {
      const batch = keys.slice(start, start + PARALLEL)
      await Promise.all(batch.map((key) => store.set(key, apiKey('canary-equal'))))
    }
    const records = await context.records(store)
    assert.equal(records.length, writes)
    const seen = new Set<string>()
    let vectors = 0
    for (const record of records) {
      const fields = await record.read()
      for (const part of context.parts(fields).ivs) {
        vectors++
        const iv = bytesOf(fields, part)
        assert.ok(iv.length >= 12, 'an initialisation vector is shorter than 96 bits')
        seen.add(`iv ${iv.toString('hex')}`)
        // What follows the vector: the ciphertexts of equal values differ too.
        const rest = fields[part.field]?.subarray(part.offset + part.length) ?? new Uint8Array(0)
        seen.add(`ciphertext ${Buffer.from(rest).toString('hex')}`)
      }
    }
    assert.ok(vectors >= writes)
    assert.equal(seen.size, 2 * vectors, 'an initialisation vector or a ciphertext came twice')
  }),
]
