import { afterEach, describe, expect, it } from 'vitest'
import { openRevocationFeed, type RevocationFeed } from '../../src/engine/revocation-feed.js'
import { grantKeyOf } from '../../src/storage/grant-key.js'
import { createMemoryStorage } from './support/memory-storage.js'

let now = 1_000_000_000
const storage = createMemoryStorage(() => now)
let feed: RevocationFeed | undefined

afterEach(() => feed?.close())

const token = { tokenId: 'j1', grantId: 'g1', subject: 'u1', clientId: 'c1' }

describe('the feed of revocations', () => {
  it.each([
    ['grant', grantKeyOf('g1')],
    ['token', 'j1'],
    ['user', 'u1'],
    ['client', 'c1'],
  ] as const)('knows a revoked %s until it cannot matter any more', async (kind, id) => {
    const own = createMemoryStorage(() => now)
    feed = await openRevocationFeed({ storage: own, now: () => now })
    expect(feed.check(token, now)).toBe('active')
    const seconds = Math.floor(now / 1000)
    await own.revocations.add([{ kind, id, expiresAt: seconds + 100 }])
    await feed.refresh()
    expect(feed.check(token, now)).toBe('revoked')
    expect(feed.check({ subject: 'u2' }, now)).toBe('active')
    expect(feed.check(token, now + 100_000)).toBe('active')
  })

  it('has the revocations of others at start', async () => {
    const own = createMemoryStorage(() => now)
    await own.revocations.add([{ kind: 'grant', id: grantKeyOf('g1'), expiresAt: now }])
    feed = await openRevocationFeed({ storage: own, now: () => now })
    expect(feed.check(token, now)).toBe('revoked')
  })

  it('cannot tell once it was not read for more than 60 s, and can again afterwards', async () => {
    feed = await openRevocationFeed({ storage, now: () => now })
    storage.fail()
    now += 60_000
    await feed.refresh()
    expect(feed.check(token, now)).toBe('active')
    now += 1
    await feed.refresh()
    expect(feed.check(token, now)).toBe('stale')
    storage.recover()
    await feed.refresh()
    expect(feed.check(token, now)).toBe('active')
  })

  it('tells at once of a revoked signing key', async () => {
    const own = createMemoryStorage(() => now)
    let told = 0
    feed = await openRevocationFeed({
      storage: own,
      now: () => now,
      onKeyRevoked: () => {
        told += 1
      },
    })
    await own.revocations.add([{ kind: 'grant', id: 'g', expiresAt: now }])
    await feed.refresh()
    expect(told).toBe(0)
    await own.revocations.add([{ kind: 'key', id: 'k', expiresAt: now }])
    await feed.refresh()
    expect(told).toBe(1)
  })

  it('does not start without the revocations', async () => {
    storage.fail()
    await expect(openRevocationFeed({ storage, now: () => now })).rejects.toThrow()
    storage.recover()
  })
})
