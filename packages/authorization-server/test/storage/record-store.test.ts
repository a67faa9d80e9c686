import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RecordStore } from '../../src/storage/storage.js'
import {
  type Backend,
  failureOf,
  newId,
  openBackend,
  START_MILLISECONDS,
  setups,
} from './support.js'

const USER = '7c0de5aa-0000-4000-8000-000000000001'

describe.each(setups)('records() on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let codes: RecordStore

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      codes = backend.storage.records('AuthorizationCode')
    }, START_MILLISECONDS)
    beforeEach(() => backend.empty())
    afterAll(() => backend?.end())

    it('finds what was written under its id and model only', async () => {
      const [id, other] = [newId(), newId()]
      const payload = { jti: id, kind: 'AuthorizationCode', clientId: 'client', scope: 'a b' }
      await codes.upsert(id, payload, 60)
      expect(await codes.find(id)).toEqual(payload)
      expect(await codes.find(other)).toBeUndefined()
      expect(await backend.storage.records('RefreshToken').find(id)).toBeUndefined()
      await codes.destroy(id)
      expect(await codes.find(id)).toBeUndefined()
      await codes.destroy(id)
    })

    it('replaces a record and keeps its creation', async () => {
      const id = newId()
      await codes.upsert(id, { jti: id, scope: 'a' }, 60)
      backend.clock.now += 5000
      await codes.upsert(id, { jti: id, scope: 'b', nonce: '$& $1 {id}' }, 60)
      expect(await codes.find(id)).toEqual({ jti: id, scope: 'b', nonce: '$& $1 {id}' })
      const rows = await backend.sql(
        'SELECT extract(epoch FROM expires_at - created_at)::float8 AS life FROM {schema}.oauth_tokens',
      )
      expect(rows).toEqual([{ life: 65 }])
    })

    it('gives a record another id and content, and keeps its creation', async () => {
      const sessions = backend.storage.records('Session')
      const [old, id] = [newId(), newId()]
      await sessions.upsert(old, { jti: old, uid: 'uid-1', accountId: USER }, 60)
      backend.clock.now += 5000
      const payload = { jti: id, uid: 'uid-1', accountId: USER, acr: 'b' }
      expect(await sessions.replace(old, id, payload, 60)).toBe(true)
      expect(await sessions.find(old)).toBeUndefined()
      expect(await sessions.find(id)).toEqual(payload)
      expect(await sessions.findByUid('uid-1')).toMatchObject({ acr: 'b' })
      expect(await sessions.replace(id, id, { ...payload, acr: 'c' }, 60)).toBe(true)
      expect(await sessions.find(id)).toMatchObject({ acr: 'c' })
      const rows = await backend.sql(
        'SELECT extract(epoch FROM expires_at - created_at)::float8 AS life FROM {schema}.oauth_tokens',
      )
      expect(rows).toEqual([{ life: 65 }])
    })

    it('replaces nothing that is gone, has expired, or is of another model', async () => {
      const sessions = backend.storage.records('Session')
      const [gone, late, code, id] = [newId(), newId(), newId(), newId()]
      await sessions.upsert(gone, { jti: gone }, 60)
      await sessions.destroy(gone)
      await codes.upsert(code, { jti: code }, 600)
      await sessions.upsert(late, { jti: late }, 60)
      backend.clock.now += 60_000
      for (const from of [gone, late, code, newId()]) {
        expect(await sessions.replace(from, id, { jti: id }, 60)).toBe(false)
        const replaced = await backend.storage.transaction(() =>
          sessions.replace(from, from, { jti: from }, 60),
        )
        expect(replaced).toBe(false)
      }
      expect(await sessions.find(id)).toBeUndefined()
      expect(await sessions.find(late)).toBeUndefined()
    })

    it('leaves no session of a user whose grants end while it gets another id', async () => {
      const sessions = backend.storage.records('Session')
      for (let round = 0; round < 10; round += 1) {
        const [old, id] = [newId(), newId()]
        await sessions.upsert(old, { jti: old, uid: old, accountId: USER }, 60)
        await Promise.all([
          sessions.replace(old, id, { jti: id, uid: old, accountId: USER }, 60),
          backend.storage.grants.revokeByUser(USER, backend.clock.now / 1000 + 60),
        ])
        expect([await sessions.find(old), await sessions.find(id)]).toEqual([undefined, undefined])
      }
    })

    it('finds nothing from the moment on at which it expires', async () => {
      const [id, forEver] = [newId(), newId()]
      await codes.upsert(id, { jti: id, uid: 'canary-uid', userCode: 'ABCD' }, 60)
      await codes.upsert(forEver, { jti: forEver })
      backend.clock.now += 59_999
      expect(await codes.find(id)).toBeDefined()
      backend.clock.now += 1
      expect(await codes.find(id)).toBeUndefined()
      expect(await codes.findByUid('canary-uid')).toBeUndefined()
      expect(await codes.findByUserCode('ABCD')).toBeUndefined()
      expect(await failureOf(codes.consume(id))).toBe('AlreadyConsumedError')
      backend.clock.now += 1e12
      expect(await codes.find(forEver)).toEqual({ jti: forEver })
    })

    it('keeps texts as they are, also the id within other members', async () => {
      const id = newId()
      const interactions = backend.storage.records('Interaction')
      const payload = {
        jti: id,
        returnTo: `https://as.example/oauth/authorize/${id}?${id}`,
        params: { state: 'é 🔑 \u2028 "', nested: [id, 1, true, null], ui_locales: '' },
      }
      await interactions.upsert(id, payload, 60)
      expect(await interactions.find(id)).toEqual(payload)
    })

    it('finds a session by its uid, and takes what it found for the record', async () => {
      const sessions = backend.storage.records('Session')
      const id = newId()
      await sessions.upsert(id, { jti: id, uid: 'uid-1', accountId: USER }, 60)
      const found = await sessions.findByUid('uid-1')
      expect(found).toMatchObject({ uid: 'uid-1', accountId: USER })
      expect(await sessions.findByUid('uid-2')).toBeUndefined()
      const handle = found?.jti ?? ''
      expect(handle).not.toContain(id)

      await sessions.upsert(handle, { ...found, acr: 'changed' }, 60)
      expect(await sessions.find(id)).toEqual({
        jti: id,
        uid: 'uid-1',
        accountId: USER,
        acr: 'changed',
      })
      // Whoever reads digests out of the database cannot make one, nor use one for another model.
      const forged = `${handle.slice(0, -4)}AAAA`
      expect(await sessions.find(forged)).toBeUndefined()
      expect(await sessions.find(handle.split('.')[0] ?? '')).toBeUndefined()
      expect(await backend.storage.records('RefreshToken').find(handle)).toBeUndefined()
      await sessions.destroy(handle)
      expect(await sessions.find(id)).toBeUndefined()
    })

    it('finds a device code by its user code', async () => {
      const devices = backend.storage.records('DeviceCode')
      const id = newId()
      await devices.upsert(id, { jti: id, userCode: 'WXYZ' }, 60)
      const found = await devices.findByUserCode('WXYZ')
      await devices.consume(found?.jti ?? '')
      expect((await devices.find(id))?.consumed).toBe(1_700_000_000 + secondsSince())
    })

    function secondsSince(): number {
      return Math.floor(backend.clock.now / 1000) - 1_700_000_000
    }

    it('revokes everything of a grant, of every kind, and nothing else', async () => {
      const [one, two] = [newId(), newId()]
      const grants = backend.storage.records('Grant')
      await grants.upsert(one, { jti: one, clientId: 'client', accountId: USER }, 3600)
      const ids: Record<string, string[]> = {}
      for (const model of ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'Interaction']) {
        for (const grantId of [one, two]) {
          const id = newId()
          await backend.storage.records(model).upsert(id, { jti: id, grantId }, 60)
          ids[model] = [...(ids[model] ?? []), id]
        }
      }
      await codes.revokeByGrantId(one)
      for (const [model, [first = '', second = '']] of Object.entries(ids)) {
        const store = backend.storage.records(model)
        // An interaction under way is only told which grant there was.
        expect((await store.find(first)) === undefined).toBe(model !== 'Interaction')
        expect(await store.find(second)).toBeDefined()
      }
      expect(await grants.find(one)).toBeDefined()
    })

    it('E03 lets exactly one of 100 parallel uses win', async () => {
      const id = newId()
      await codes.upsert(id, { jti: id, grantId: 'grant' }, 60)
      const replica = backend.openReplica().records('AuthorizationCode')
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          failureOf((index % 2 === 0 ? codes : replica).consume(id)),
        ),
      )
      expect(outcomes.filter((each) => each === 'done')).toHaveLength(1)
      expect(outcomes.filter((each) => each === 'AlreadyConsumedError')).toHaveLength(99)
      expect((await codes.find(id))?.consumed).toBe(Math.floor(backend.clock.now / 1000))
    })

    it('E03 never makes what was used usable again', async () => {
      const id = newId()
      await codes.upsert(id, { jti: id, scope: 'a' }, 60)
      await codes.consume(id)
      await codes.upsert(id, { jti: id, scope: 'b' }, 60)
      expect(await codes.find(id)).toMatchObject({ scope: 'b', consumed: expect.any(Number) })
      expect(await failureOf(codes.consume(id))).toBe('AlreadyConsumedError')
      expect(await failureOf(codes.consume(newId()))).toBe('AlreadyConsumedError')
      // Its neighbour: an id that is given again after the record has expired.
      backend.clock.now += 61_000
      await codes.upsert(id, { jti: id, scope: 'c' }, 60)
      expect(await codes.find(id)).toEqual({ jti: id, scope: 'c' })
    })

    it('keeps nothing of a transaction that rejects', async () => {
      const { storage } = backend
      const [code, grant, user] = [newId(), newId(), newId()]
      await codes.upsert(code, { jti: code }, 60)
      const failed = storage.transaction(async () => {
        await codes.consume(code)
        await storage.records('Grant').upsert(grant, { jti: grant }, 60)
        await storage.records('Client').upsert('c1', { client_id: 'c1' })
        await storage.users.signIn({ provider: 'p', issuer: 'https://i.example', subject: user })
        await storage.revocations.add([{ kind: 'grant', id: grant, expiresAt: 2_000_000_000 }])
        await storage.audit({ event: 'consent', outcome: 'done' })
        expect((await codes.find(code))?.consumed).toBeDefined()
        throw new RangeError('enough')
      })
      expect(await failureOf(failed)).toBe('RangeError')
      expect(await codes.find(code)).toEqual({ jti: code })
      for (const table of ['oauth_clients', 'user_profiles', 'revocations', 'audit_events']) {
        expect(await backend.sql(`SELECT 1 FROM {schema}.${table}`)).toEqual([])
      }
      await storage.transaction(() => codes.consume(code))
      expect((await codes.find(code))?.consumed).toBeDefined()
    })

    it('makes transactions over one record take turns', async () => {
      const { storage } = backend
      const id = newId()
      const tokens = storage.records('RefreshToken')
      await tokens.upsert(id, { jti: id, rotations: 0 }, 60)
      const replica = backend.openReplica()
      async function add(own: typeof storage): Promise<void> {
        await own.transaction(async () => {
          await own.lock('RefreshToken', id)
          const { rotations = 0 } = (await own.records('RefreshToken').find(id)) ?? {}
          await own.records('RefreshToken').upsert(id, { jti: id, rotations: rotations + 1 }, 60)
        })
      }
      await Promise.all(
        Array.from({ length: 12 }, (_, index) => add(index % 2 === 0 ? storage : replica)),
      )
      expect((await tokens.find(id))?.rotations).toBe(12)
      expect(await failureOf(storage.lock('RefreshToken', id))).toBe('TypeError')
      await storage.transaction(() => storage.lock('RefreshToken', newId()))
    })

    it('joins inner transactions, and lets what was left running go on after the commit', async () => {
      const { storage } = backend
      let late: Promise<void> | undefined
      let release = () => {}
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      const [inner, outer] = [newId(), newId()]
      const failed = storage.transaction(async () => {
        await storage.transaction(() => codes.upsert(inner, { jti: inner }, 60))
        throw new RangeError('outer')
      })
      expect(await failureOf(failed)).toBe('RangeError')
      expect(await codes.find(inner)).toBeUndefined()
      await storage.transaction(async () => {
        late = gate.then(() => codes.upsert(outer, { jti: outer }, 60))
      })
      release()
      await late
      expect(await codes.find(outer)).toEqual({ jti: outer })
    })

    it('X02 refuses a record that was moved or changed', async () => {
      const [one, two] = [newId(), newId()]
      await codes.upsert(one, { jti: one, accountId: USER }, 60)
      await codes.upsert(two, { jti: two, accountId: 'victim' }, 60)
      await backend.sql(
        `UPDATE {schema}.oauth_tokens AS t SET version = o.version, key_id = o.key_id,
           wrapped_key = o.wrapped_key, payload = o.payload
         FROM {schema}.oauth_tokens AS o WHERE t.user_id = $1 AND o.user_id = 'victim'`,
        [USER],
      )
      expect(await failureOf(codes.find(one))).toBe('ERR_STORE_INTEGRITY')
      expect(await codes.find(two)).toMatchObject({ accountId: 'victim' })
      await backend.sql(`UPDATE {schema}.oauth_tokens SET token_type = 'RefreshToken'`)
      const refreshTokens = backend.storage.records('RefreshToken')
      expect(await failureOf(refreshTokens.find(two))).toBe('ERR_STORE_INTEGRITY')
    })

    it('does not find a session whose uid was written onto another one', async () => {
      const sessions = backend.storage.records('Session')
      const [mine, theirs] = [newId(), newId()]
      await sessions.upsert(mine, { jti: mine, uid: 'mine' }, 60)
      await sessions.upsert(theirs, { jti: theirs, uid: 'theirs', accountId: USER }, 60)
      await backend.sql('DELETE FROM {schema}.oauth_tokens WHERE user_id IS NULL')
      await backend.sql(`UPDATE {schema}.oauth_tokens SET uid = sha256('mine'::bytea)`)
      expect(await sessions.findByUid('mine')).toBeUndefined()
    })
  })
})
