import { describe, expect, it } from 'vitest'
import { createSessionIds } from '../../src/resource-server/session-id.js'
import { principalOf } from './fakes.js'

const KEY = Buffer.alloc(32, 7).toString('base64url')
const ann = principalOf({ subject: 'ann' })

describe('createSessionIds()', () => {
  it('makes visible ASCII of fixed length, another one each time', () => {
    const ids = createSessionIds(KEY)
    const all = new Set(Array.from({ length: 100 }, () => ids.create(ann)))
    expect(all.size).toBe(100)
    for (const id of all) expect(id).toMatch(/^mas1\.[\w-]{22}\.[\w-]{43}$/)
  })

  it('P26 knows its owner on every replica with the same key, and nobody else', () => {
    const id = createSessionIds(KEY).create(ann)
    const replica = createSessionIds(KEY)
    expect(replica.check(id, ann)).toBe('own')
    expect(replica.check(id, principalOf({ subject: 'bob' }))).toBe('foreign')
    expect(replica.check(id, { ...ann, issuer: 'https://other.test' })).toBe('foreign')
  })

  it('does not depend on scopes, client or expiry, which change with each token', () => {
    const ids = createSessionIds(KEY)
    const id = ids.create(ann)
    expect(ids.check(id, { ...ann, scopes: ['x'], clientId: 'c', expiresAt: 9 })).toBe('own')
  })

  it('P26 tells ("a", "bc") from ("ab", "c")', () => {
    const ids = createSessionIds(KEY)
    const id = ids.create(principalOf({ issuer: 'a', subject: 'bc' }))
    expect(ids.check(id, principalOf({ issuer: 'ab', subject: 'c' }))).toBe('foreign')
    const split = ids.create(principalOf({ issuer: 'a:1:b', subject: 'c' }))
    expect(ids.check(split, principalOf({ issuer: 'a', subject: 'b:1:c' }))).toBe('foreign')
  })

  it('refuses an id under another key, and without a configured key under another process key', () => {
    const id = createSessionIds(KEY).create(ann)
    const other = Buffer.alloc(32, 8).toString('base64url')
    expect(createSessionIds(other).check(id, ann)).toBe('foreign')
    const [first, second] = [createSessionIds(undefined), createSessionIds(undefined)]
    expect(first.check(first.create(ann), ann)).toBe('own')
    expect(second.check(first.create(ann), ann)).toBe('foreign')
  })

  it('refuses every single changed character', () => {
    const ids = createSessionIds(KEY)
    const id = ids.create(ann)
    for (let index = 5; index < id.length; index += 1) {
      const changed = id[index] === 'A' ? 'B' : 'A'
      const forged = id.slice(0, index) + changed + id.slice(index + 1)
      expect(ids.check(forged, ann)).toBe('foreign')
    }
  })

  it.each(['mas1.', 'mas1.x.y', `mas1.${'A'.repeat(22)}.${'A'.repeat(44)}`])(
    'counts %s as an altered id of ours',
    (id) => {
      expect(createSessionIds(KEY).check(id, ann)).toBe('foreign')
    },
  )

  it.each(['', '4b1f6c1e-6d0c-4a8a-9d0e-6a0b1f6c1e6d', 'xmas1.a.b'])(
    'leaves %j to the server that made it',
    (id) => {
      expect(createSessionIds(KEY).check(id, ann)).toBe('unknown')
    },
  )
})
