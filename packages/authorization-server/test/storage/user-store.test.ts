import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { UserStore } from '../../src/storage/storage.js'
import {
  type Backend,
  failureOf,
  newId,
  openBackend,
  START_MILLISECONDS,
  serverSetups,
} from './support.js'

const ISSUER = 'https://accounts.example'
const ANN = {
  provider: 'google',
  issuer: ISSUER,
  subject: 'ann-1',
  email: 'Ann@Example.com',
  name: 'Ann',
}

describe.each(serverSetups)('users on $title', ({ engine, profile }) => {
  describe.skipIf(engine.skip)(engine.skip ?? engine.name, () => {
    let backend: Backend
    let users: UserStore

    beforeAll(async () => {
      backend = await openBackend(engine, profile.options)
      users = backend.storage.users
    }, START_MILLISECONDS)
    beforeEach(() => backend.empty())
    afterAll(() => backend?.end())

    async function auditEvents(): Promise<string[]> {
      const rows = await backend.sql('SELECT event FROM {schema}.audit_events ORDER BY id')
      return rows.map(({ event }) => String(event))
    }

    it('creates a profile at the first sign-in and updates it at the next', async () => {
      const now = backend.clock.now / 1000
      const first = await users.signIn(ANN)
      expect(first).toEqual({
        userId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        email: 'ann@example.com',
        name: 'Ann',
        provider: 'google',
        providerIssuer: ISSUER,
        providerUserId: 'ann-1',
        status: 'active',
        role: 'user',
        createdAt: now,
        lastLoginAt: now,
        updatedAt: now,
      })
      backend.clock.now += 60_000
      const { email: _, name: __, ...withoutMail } = ANN
      const second = await users.signIn({ ...withoutMail, picture: 'https://p.example/a.png' })
      // An address that the provider no longer vouches for is dropped; a name is not.
      expect(second).toEqual({
        ...first,
        email: undefined,
        picture: 'https://p.example/a.png',
        lastLoginAt: now + 60,
        updatedAt: now + 60,
      })
      expect(await users.find(first.userId)).toEqual(second)
      expect(await users.findByIdentity(ISSUER, 'ann-1')).toEqual(second)
      expect(await auditEvents()).toEqual(['user.create'])
    })

    it('takes issuer and subject for the identity, never the e-mail', async () => {
      const ann = await users.signIn(ANN)
      const other = await users.signIn({ ...ANN, issuer: 'https://other.example' })
      const third = await users.signIn({ ...ANN, subject: 'ann-2' })
      expect(new Set([ann.userId, other.userId, third.userId]).size).toBe(3)
      expect(await users.findByIdentity(ISSUER, 'Ann-1')).toBeUndefined()
      expect(await users.findByIdentity('https://third.example', 'ann-1')).toBeUndefined()
    })

    it('binds an invitation at the first verified sign-in, once', async () => {
      const invited = await users.invite(' ANN@example.com ', { role: 'admin', name: 'Dr. Ann' })
      expect(invited).toMatchObject({ email: 'ann@example.com', status: 'invited', role: 'admin' })
      expect(await users.findInvitation('ann@EXAMPLE.com')).toEqual(invited)
      expect(await users.findInvitation('ann@example.org')).toBeUndefined()
      expect((await users.invite('ann@example.com')).userId).toBe(invited.userId)

      const stranger = await users.signIn({ ...ANN, subject: 'x', email: 'bob@example.com' })
      const { email: _, ...unverified } = { ...ANN, subject: 'y' }
      expect([stranger.role, (await users.signIn(unverified)).role]).toEqual(['user', 'user'])

      const ann = await users.signIn(ANN)
      expect(ann).toMatchObject({ userId: invited.userId, role: 'admin', status: 'active' })
      expect(await users.findInvitation('ann@example.com')).toBeUndefined()
      expect((await users.signIn({ ...ANN, subject: 'ann-2' })).role).toBe('user')
      const bound = ['user.invite', 'user.invite', 'user.create', 'user.create', 'user.bind']
      expect(await auditEvents()).toEqual([...bound, 'user.create'])
    })

    it('merges a later invitation into the profile of its e-mail', async () => {
      const ann = await users.signIn(ANN)
      await users.invite('ann@example.com', { role: 'admin' })
      expect(await users.signIn(ANN)).toMatchObject({ userId: ann.userId, role: 'admin' })
      expect(await users.list()).toHaveLength(1)
      // An invitation takes no rights away.
      await users.invite('ann@example.com', { role: 'user' })
      expect((await users.signIn(ANN)).role).toBe('admin')
    })

    it('gives one profile for parallel first sign-ins, with and without an invitation', async () => {
      const replica = backend.openReplica().users
      for (const isInvited of [false, true]) {
        const subject = newId()
        const email = `${isInvited ? 'eve' : 'kim'}@example.com`
        const invited = isInvited ? await users.invite(email, { role: 'admin' }) : undefined
        const profiles = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            (index % 2 === 0 ? users : replica).signIn({ ...ANN, subject, email }),
          ),
        )
        const ids = new Set(profiles.map(({ userId }) => userId))
        expect(ids.size).toBe(1)
        if (invited !== undefined) expect([...ids]).toEqual([invited.userId])
        const found = await users.findByIdentity(ISSUER, subject)
        expect(found?.role).toBe(isInvited ? 'admin' : 'user')
      }
      expect(await users.list()).toHaveLength(2)
    })

    it('keeps a suspended user suspended', async () => {
      const { userId, lastLoginAt } = await users.signIn(ANN)
      expect(await users.setStatus(userId, 'suspended')).toMatchObject({ status: 'suspended' })
      backend.clock.now += 60_000
      expect(await users.signIn(ANN)).toMatchObject({ status: 'suspended', lastLoginAt })
      expect(await users.setStatus(userId, 'active')).toMatchObject({ status: 'active' })
      expect(await users.setStatus(newId(), 'suspended')).toBeUndefined()

      const invited = await users.invite('bob@example.com')
      await users.setStatus(invited.userId, 'suspended')
      expect(await users.findInvitation('bob@example.com')).toBeUndefined()
      const bob = { ...ANN, subject: 'bob', email: 'bob@example.com' }
      expect(await users.signIn(bob)).toMatchObject({
        userId: invited.userId,
        status: 'suspended',
      })
      const again = await users.invite('carl@example.com')
      await users.setStatus(again.userId, 'suspended')
      expect((await users.setStatus(again.userId, 'active'))?.status).toBe('invited')
      expect((await auditEvents()).filter((each) => each === 'user.suspend')).toHaveLength(3)
    })

    it('keeps a suspended invitation for the next identity of the address', async () => {
      const { userId } = await users.signIn(ANN)
      const invited = await users.invite('ann@example.com', { role: 'admin' })
      await users.setStatus(invited.userId, 'suspended')
      expect(await users.signIn(ANN)).toMatchObject({ userId, status: 'active', role: 'user' })
      expect(await users.find(invited.userId)).toMatchObject({ status: 'suspended' })
      const other = { ...ANN, provider: 'other', issuer: 'https://other.example' }
      expect(await users.signIn(other)).toMatchObject({
        userId: invited.userId,
        status: 'suspended',
      })
      expect(await users.list()).toHaveLength(2)
    })

    it('finds by e-mail, lists by status and counts', async () => {
      const ann = await users.signIn(ANN)
      const other = await users.signIn({ ...ANN, issuer: 'https://other.example' })
      const invited = await users.invite('new@example.com')
      await users.setStatus(other.userId, 'suspended')
      const found = await users.findByEmail(' ANN@Example.com')
      expect(found.map(({ userId }) => userId).sort()).toEqual([ann.userId, other.userId].sort())
      expect(await users.findByEmail('new@example.com')).toEqual([invited])
      expect(await users.findByEmail('no address')).toEqual([])
      expect(await users.list({ status: 'active' })).toEqual([ann])
      expect(await users.count()).toEqual({ users: 2, suspended: 1, invited: 1 })
    })

    it('holds a user and locks the active admins until the end of a transaction', async () => {
      const { userId } = await users.signIn(ANN)
      const admin = await users.setRole(userId, 'admin')
      expect(await users.hold(userId)).toEqual(admin)
      expect(await users.hold('no-id')).toBeUndefined()
      await backend.storage.transaction(async () => {
        expect(await users.hold(userId)).toEqual(admin)
        expect(await users.lockAdmins()).toEqual([admin])
      })
      const order: string[] = []
      const replica = backend.openReplica()
      let suspending: Promise<unknown> | undefined
      await backend.storage.transaction(async () => {
        await users.hold(userId)
        const change = () => replica.grants.revokeByUser(userId, 0).then(() => order.push('ended'))
        // An embedded database has one session, which this transaction holds.
        if (engine.kind === 'postgres') suspending = change()
        await users.signIn(ANN)
        order.push('held')
      })
      await suspending
      expect(order[0]).toBe('held')
      await users.setStatus(userId, 'suspended')
      expect(await backend.storage.transaction(() => users.lockAdmins())).toEqual([])
    })

    it('changes roles, lists in pages and removes', async () => {
      const created = []
      for (const subject of ['a', 'b', 'c']) {
        created.push((await users.signIn({ ...ANN, subject })).userId)
      }
      const [first = ''] = created
      expect(await users.setRole(first, 'admin')).toMatchObject({ role: 'admin' })
      const page = await users.list({ limit: 2 })
      const rest = await users.list({ limit: 2, after: page[1]?.userId ?? '' })
      expect([...page, ...rest].map(({ userId }) => userId)).toEqual(created.sort())
      expect(await users.remove(first)).toBe(true)
      expect(await users.remove(first)).toBe(false)
      expect(await users.find(first)).toBeUndefined()
      expect(await users.find('no uuid')).toBeUndefined()
      expect(await failureOf(users.list({ limit: 0 }))).toBe('ERR_STORE_INVALID')
      expect(await auditEvents()).toContain('user.role')
      expect(await auditEvents()).toContain('user.remove')
    })

    it('counts who signed in or was issued a token', async () => {
      const { userId } = await users.signIn(ANN)
      await users.signIn({ ...ANN, subject: 'other' })
      await users.invite('never@example.com')
      backend.clock.now += 40 * 86_400_000
      expect(await users.countActive(30)).toBe(0)
      expect(await users.countActive(41)).toBe(2)
      const token = { jti: newId(), accountId: userId, clientId: 'c' }
      await backend.storage.records('RefreshToken').upsert(token.jti, token, 60)
      expect(await users.countActive(30)).toBe(1)
      const service = { jti: newId(), accountId: 'not a user', clientId: 'c' }
      await backend.storage.records('AccessToken').upsert(service.jti, service, 60)
      expect(await users.countActive(30)).toBe(1)
    })

    it('leaves neither e-mail nor name in the audit trail, and no change without its event', async () => {
      const { userId } = await users.signIn(ANN)
      await users.setRole(userId, 'admin')
      const rows = await backend.sql(
        'SELECT row_to_json(t)::text AS line FROM {schema}.audit_events t',
      )
      expect(rows.length).toBe(2)
      for (const { line } of rows) {
        expect(line).toContain(userId)
        expect(String(line)).not.toMatch(/ann/i)
      }
      await backend.sql(
        'ALTER TABLE {schema}.audit_events ADD CONSTRAINT full_disk CHECK (false) NOT VALID',
      )
      try {
        expect(await failureOf(users.setRole(userId, 'user'))).toBe('ERR_STORE_UNAVAILABLE')
        expect(await failureOf(users.remove(userId))).toBe('ERR_STORE_UNAVAILABLE')
        expect(await failureOf(users.invite('x@example.com'))).toBe('ERR_STORE_UNAVAILABLE')
      } finally {
        await backend.sql('ALTER TABLE {schema}.audit_events DROP CONSTRAINT full_disk')
      }
      expect((await users.list()).map(({ role }) => role)).toEqual(['admin'])
    })

    it.each([
      ['no address', 'ann'],
      ['two at signs', 'ann@evil.example@example.com'],
      ['a line end', 'ann\n@example.com'],
      ['a Kelvin sign', '\u212Aim@example.com'],
      ['a domain without a dot', 'ann@localhost'],
      ['a path behind the domain', 'ann@example.com/x'],
      ['nothing in front', '@example.com'],
    ])('refuses to invite %s', async (_what, email) => {
      expect(await failureOf(users.invite(email))).toBe('ERR_STORE_INVALID')
      expect(await users.findInvitation(email)).toBeUndefined()
      expect((await users.signIn({ ...ANN, email })).email).toBeUndefined()
    })

    it('refuses an identity that cannot be stored as it is', async () => {
      for (const subject of ['', 'a\0b', 'a\ud800', 'x'.repeat(513)]) {
        expect(await failureOf(users.signIn({ ...ANN, subject }))).toBe('ERR_STORE_INVALID')
        expect(await users.findByIdentity(ISSUER, subject)).toBeUndefined()
      }
      const name = `A\0nn\ud800${'x'.repeat(500)}`
      expect((await users.signIn({ ...ANN, name })).name).toHaveLength(256)
    })
  })
})
