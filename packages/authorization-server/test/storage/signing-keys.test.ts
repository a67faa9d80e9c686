import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { SigningKey, SigningKeyStore } from '../../src/storage/storage.js'
import {
  type Backend,
  failureOf,
  openBackend,
  START_MILLISECONDS,
  serverProfiles,
} from './support.js'

function keyOf(kid: string, members: Partial<SigningKey> = {}): SigningKey {
  return {
    kid,
    algorithm: 'ES256',
    state: 'active',
    jwk: { kty: 'EC', crv: 'P-256', kid, d: `canary-private-${kid}` },
    createdAt: 1_800_000_000,
    signsFrom: 1_800_000_420,
    ...members,
  }
}

describe.each(serverProfiles)('signingKeys on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let keys: SigningKeyStore

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      keys = backend.storage.signingKeys
    }, START_MILLISECONDS)
    beforeEach(() => backend.empty())
    afterAll(() => backend?.end())

    it('adds, changes and removes keys, each with an event that names them', async () => {
      expect(await keys.list()).toEqual([])
      const added = await keys.update(async () => [keyOf('k1'), keyOf('k2', { state: 'pending' })])
      expect(added).toEqual([keyOf('k1'), keyOf('k2', { state: 'pending' })])
      const retired = keyOf('k1', { state: 'retired', removeAt: 1_800_009_000 })
      const after = await keys.update(async ([, second]) => [
        retired,
        ...(second === undefined ? [] : [second]),
      ])
      expect(after).toEqual([retired, keyOf('k2', { state: 'pending' })])
      await keys.update(async (all) => all)
      await keys.update(async (all) => all.filter(({ kid }) => kid !== 'k1'))
      expect(await keys.list()).toEqual([keyOf('k2', { state: 'pending' })])
      const events = await backend.sql(
        `SELECT event, details->>'added' AS added, details->>'changed' AS changed,
           details->>'removed' AS removed FROM {schema}.audit_events ORDER BY id`,
      )
      const event = 'signing-keys.update'
      expect(events).toEqual([
        { event, added: 'k1 k2', changed: '', removed: '' },
        { event, added: '', changed: 'k1', removed: '' },
        { event, added: '', changed: '', removed: 'k1' },
      ])
      expect(await backend.sql('SELECT 1 FROM {schema}.leases')).toEqual([])
    })

    it('E34 lets replicas that start at once agree on one first key', async () => {
      const replicas = [backend.storage, ...Array.from({ length: 3 }, () => backend.openReplica())]
      // Connected, so that they meet.
      await Promise.all(replicas.map((storage) => storage.check()))
      let made = 0
      let inside = 0
      const results = await Promise.all(
        replicas.map((storage) =>
          storage.signingKeys.update(async (all) => {
            inside += 1
            expect(inside).toBe(1)
            for (let index = 0; index < 5; index += 1) await storage.users.list()
            inside -= 1
            if (all.length > 0) return all
            made += 1
            return [keyOf(`k${made}`)]
          }),
        ),
      )
      expect(made).toBe(1)
      for (const result of results) expect(result).toEqual([keyOf('k1')])
    })

    it('changes nothing when the change fails, and frees the lock', async () => {
      await keys.update(async () => [keyOf('k1')])
      const failed = keys.update(async () => {
        throw new RangeError('no')
      })
      expect(await failureOf(failed)).toBe('RangeError')
      expect(await failureOf(keys.update(async () => [keyOf('k1'), keyOf('k1')]))).toBe('TypeError')
      expect(await keys.list()).toEqual([keyOf('k1')])
      expect(await keys.update(async () => [])).toEqual([])
    })

    it('refuses a key that was moved to another kid or algorithm', async () => {
      await keys.update(async () => [keyOf('k1')])
      await backend.sql(`UPDATE {schema}.signing_keys SET algorithm = 'RS256'`)
      expect(await failureOf(keys.list())).toBe('ERR_STORE_INTEGRITY')
      await backend.sql(`UPDATE {schema}.signing_keys SET algorithm = 'ES256', kid = 'k2'`)
      expect(await failureOf(keys.list())).toBe('ERR_STORE_INTEGRITY')
      await backend.sql(`UPDATE {schema}.signing_keys SET kid = 'k1'`)
      expect(await keys.list()).toEqual([keyOf('k1')])
    })
  })
})
