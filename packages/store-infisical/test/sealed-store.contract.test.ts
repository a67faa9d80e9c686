import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import {
  type SealedFields,
  type SealedRecord,
  sealedStoreContract,
} from '@bestviable/mcp-auth-middleware/testing'
import { describe, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { parseOwnerComment } from '../src/owner-comment.js'
import { type FakeInfisical, type FakeSecret, startFakeInfisical } from './fake-infisical/index.js'
import { storeOver } from './support.js'

const IV_BYTES = 12
const KEY_ID_BYTES = 8

/** Text in front of the envelope: format, version and time. Whatever is left over is in it too. */
function fieldsOf(value: string): SealedFields {
  const end = value.lastIndexOf('.') + 1
  return {
    head: Buffer.from(value.slice(0, end), 'latin1'),
    envelope: Buffer.from(value.slice(end), 'base64url'),
  }
}

// Hundreds of records, each of them read and written over HTTP: by night. By day PostgreSQL holds them.
const COSTLY = ['SS03', 'SS20']
const cases = sealedStoreContract.filter(({ id }) => isLongForm || !COSTLY.includes(id))

interface Place {
  readonly fake: FakeInfisical
  readonly namespace: string
}

describe('sealed store contract: infisical', () => {
  for (const { id, run, title } of cases) {
    it(`${id}: ${title}`, { timeout: 120_000 }, () => {
      const places = new WeakMap<TokenStore, Place>()
      const users = new Map<FakeInfisical, number>()
      const placeOf = (store: TokenStore): Place => {
        const place = places.get(store)
        if (place === undefined) throw new Error('not one of these stores')
        return place
      }

      function recordOf(fake: FakeInfisical, secret: FakeSecret): SealedRecord {
        const owner = parseOwnerComment(secret.comment)
        if (owner === undefined) throw new Error('a secret names no owner')
        const current = () => fake.project.vault.find(secret.path, secret.name)?.value ?? ''
        return {
          key: owner.key,
          read: async () => fieldsOf(current()),
          async write(fields) {
            const { head, envelope } = { ...fieldsOf(current()), ...fields }
            if (!head || !envelope) return false
            const text = `${Buffer.from(head).toString('latin1')}${Buffer.from(envelope).toString('base64url')}`
            fake.edit(secret.path, secret.name, text)
            return true
          },
        }
      }

      return run({
        // A read takes milliseconds, and what opens a record is what the other stores have.
        effort: isLongForm ? 'full' : 'sample',
        async create(seed, { keys, beside, namespace }) {
          const near = beside && placeOf(beside)
          const fake = near?.fake ?? (await startFakeInfisical())
          const place = { fake, namespace: namespace ?? near?.namespace ?? 'default' }
          const seal = { encryptionKeys: keys.join(',') }
          const store = storeOver(fake, { seal, namespace: place.namespace })
          places.set(store, place)
          users.set(fake, (users.get(fake) ?? 0) + 1)
          for (const [key, input] of seed) await store.set(key, input)
          return store
        },
        async destroy(store) {
          await store.close()
          const { fake } = placeOf(store)
          const left = (users.get(fake) ?? 1) - 1
          users.set(fake, left)
          if (left === 0) await fake.close()
        },
        async dump(store) {
          const { fake } = placeOf(store)
          return Buffer.from(JSON.stringify([fake.secrets(), fake.requests]))
        },
        async records(store) {
          const { fake, namespace } = placeOf(store)
          const found = fake.secrets().filter(({ path }) => path === `/mcp-auth/${namespace}`)
          return found.map((secret) => recordOf(fake, secret))
        },
        parts({ envelope }) {
          const bytes = Buffer.from(envelope ?? [])
          const wrapped = 1 + KEY_ID_BYTES + 2
          const payload = wrapped + bytes.readUInt16BE(1 + KEY_ID_BYTES)
          // Wrapped key and payload both begin with a format byte.
          const ivs = [wrapped + 1, payload + 1].map((offset) => ({
            field: 'envelope',
            offset,
            length: IV_BYTES,
          }))
          return { keyId: { field: 'envelope', offset: 1, length: KEY_ID_BYTES }, ivs }
        },
      })
    })
  }
})
