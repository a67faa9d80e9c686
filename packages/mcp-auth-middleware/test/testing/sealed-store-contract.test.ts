import { describe, expect, it } from 'vitest'
import { formatCredential } from '../../src/envelope/credential-plaintext.js'
import type { Envelope } from '../../src/envelope/envelope.js'
import { isAuthError, StoreIntegrityError } from '../../src/errors.js'
import { sealedStoreContract } from '../../src/testing/sealed-store-contract.js'
import { credentialKeyId } from '../../src/token-store/credential-key.js'
import { type Faults, sealedMemoryStores } from './sealed-memory-stores.js'

const envelopes = new Map<string, Envelope>()

const breaks: readonly (readonly [what: string, id: string, faults: Faults])[] = [
  [
    'keeps the plaintext beside the ciphertext',
    'SS01',
    { extraFields: (input) => ({ copy: Buffer.from(formatCredential(input)) }) },
  ],
  [
    'keeps the plaintext in base64',
    'SS01',
    {
      extraFields: (input) => ({
        copy: Buffer.from(Buffer.from(formatCredential(input)).toString('base64')),
      }),
    },
  ],
  [
    'tells the length of the secret',
    'SS02',
    { extraFields: ({ secret }) => ({ mask: new Uint8Array(secret.length) }) },
  ],
  [
    'encrypts equal values alike',
    'SS03',
    {
      async seal(codec, _context, input) {
        const known = envelopes.get(input.secret + codec.currentKeyId)
        const envelope = known ?? (await codec.seal(['any'], formatCredential(input)))
        envelopes.set(input.secret + codec.currentKeyId, envelope)
        return envelope
      },
      open: (codec, _context, envelope) => codec.open(['any'], envelope),
    },
  ],
  [
    'does not bind the owner',
    'SS10',
    { context: ({ namespace, key, version }) => [namespace, key.provider, version] },
  ],
  [
    'does not bind the namespace',
    'SS10',
    { context: ({ key, version }) => [credentialKeyId(key), version] },
  ],
  [
    'does not bind the version',
    'SS11',
    { context: ({ namespace, key }) => [namespace, credentialKeyId(key)] },
  ],
  [
    'does not check a part that it keeps',
    'SS12',
    { extraFields: () => ({ remark: Buffer.from('unchecked') }) },
  ],
  ['takes damage for absence', 'SS14', { onDamage: () => undefined }],
  [
    'removes what it cannot open',
    'SS14',
    {
      onDamage(records, id, error) {
        records.delete(id)
        throw error
      },
    },
  ],
  [
    'is without a record while it rotates',
    'SS20',
    {
      async rotate(records, store) {
        for (const { key } of [...records.values()]) {
          const found = await store.get(key)
          await store.delete(key)
          await new Promise((resolve) => setImmediate(resolve))
          if (found !== undefined) await store.set(key, found)
        }
      },
    },
  ],
  ['rotates nothing', 'SS20', { rotate: async () => {} }],
  [
    'takes an unknown key for damage',
    'SS22',
    {
      onDamage(_records, _id, error) {
        if (isAuthError(error)) throw new StoreIntegrityError('damaged')
        return undefined
      },
    },
  ],
  [
    'removes what a wrong key does not open',
    'SS23',
    {
      onDamage(records, id, error) {
        if (isAuthError(error) && error.code === 'ERR_STORE_UNAVAILABLE') records.delete(id)
        throw error
      },
    },
  ],
]

describe('sealedStoreContract', () => {
  it('has unique ids and titles', () => {
    const { length } = sealedStoreContract
    expect(new Set(sealedStoreContract.map(({ id }) => id)).size).toBe(length)
    expect(new Set(sealedStoreContract.map(({ title }) => title)).size).toBe(length)
  })

  for (const { id, title, run } of sealedStoreContract) {
    it(`${id}: ${title}`, () => run(sealedMemoryStores()))
    it(`${id}, of a sample: ${title}`, () => run({ ...sealedMemoryStores(), effort: 'sample' }))
  }

  it.each(breaks)('catches by a sample a store that %s', async (_what, id, faults) => {
    const broken = sealedStoreContract.find((each) => each.id === id)
    const context = { ...sealedMemoryStores(faults), effort: 'sample' } as const
    await expect(broken?.run(context)).rejects.toMatchObject({ code: 'ERR_ASSERTION' })
  })

  it.each(breaks)('catches a store that %s', async (_what, id, faults) => {
    const broken = sealedStoreContract.find((each) => each.id === id)
    await expect(broken?.run(sealedMemoryStores(faults))).rejects.toMatchObject({
      name: 'AssertionError',
    })
  })
})
