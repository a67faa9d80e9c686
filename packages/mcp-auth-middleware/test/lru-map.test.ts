import fc from 'fast-check'
import { LRUCache } from 'lru-cache'
import { describe, expect, it } from 'vitest'
import { createLruMap, type LruEntry } from '../src/lru-map.js'

interface Entry extends LruEntry<Entry> {
  readonly value: number
}

const entryOf = (key: string, value: number): Entry => ({
  key,
  value,
  older: undefined,
  newer: undefined,
})

const KEYS = ['a', 'b', 'c', 'd', 'e', '__proto__']

const operation = fc.record({
  kind: fc.constantFrom('get', 'set', 'delete'),
  key: fc.constantFrom(...KEYS),
  value: fc.nat(),
})

describe('createLruMap()', () => {
  it('P03 forgets the least recently used entry first', () => {
    const map = createLruMap<Entry>(2)
    map.set(entryOf('a', 1))
    map.set(entryOf('b', 2))
    map.get('a')
    map.set(entryOf('c', 3))
    expect(map.size).toBe(2)
    expect(map.get('b')).toBeUndefined()
    expect(map.get('a')?.value).toBe(1)
    expect(map.get('c')?.value).toBe(3)
  })

  it('replaces an entry without forgetting another', () => {
    const map = createLruMap<Entry>(2)
    map.set(entryOf('a', 1))
    map.set(entryOf('b', 2))
    map.set(entryOf('a', 3))
    expect(map.size).toBe(2)
    expect(map.get('b')?.value).toBe(2)
    expect(map.get('a')?.value).toBe(3)
  })

  it('keeps the entry itself, and lets go of one that it forgets', () => {
    const map = createLruMap<Entry>(2)
    const [a, b, c] = [entryOf('a', 1), entryOf('b', 2), entryOf('c', 3)]
    for (const entry of [a, b, c]) map.set(entry)
    expect(map.get('b')).toBe(b)
    expect(map.get('c')).toBe(c)
    const reached = [b, c].flatMap(({ older, newer }) => [older, newer])
    expect(reached).not.toContain(a)
  })

  it.each([
    ['oldest', 'a', ['b', 'c']],
    ['one in the middle', 'b', ['a', 'c']],
    ['newest', 'c', ['a', 'b']],
  ])(
    'forgets none of the others, which are in use, when the %s is deleted',
    (_, deleted, others) => {
      const map = createLruMap<Entry>(3)
      for (const key of ['a', 'b', 'c']) map.set(entryOf(key, 0))
      map.delete(deleted)
      for (const key of ['d', 'e', 'f']) {
        map.set(entryOf(key, 0))
        const held = others.filter((each) => map.get(each) !== undefined)
        expect(held).toEqual(others)
      }
      expect(map.get('d')).toBeUndefined()
    },
  )

  it('does nothing when an entry that is not there is deleted', () => {
    const map = createLruMap<Entry>(2)
    map.set(entryOf('a', 1))
    map.delete('b')
    expect(map.size).toBe(1)
    expect(map.get('a')?.value).toBe(1)
  })

  it('P03 holds what lru-cache holds after any use', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(operation, { minLength: 10, maxLength: 60 }),
        (maxEntries, operations) => {
          const map = createLruMap<Entry>(maxEntries)
          const model = new LRUCache<string, { value: number }>({ max: maxEntries })
          for (const { kind, key, value } of operations) {
            if (kind === 'get') expect(map.get(key)?.value).toBe(model.get(key)?.value)
            else if (kind === 'delete') {
              map.delete(key)
              model.delete(key)
            } else {
              map.set(entryOf(key, value))
              model.set(key, { value })
            }
            expect(map.size).toBe(model.size)
          }
          const held = KEYS.map((key) => map.get(key)?.value)
          expect(held).toEqual(KEYS.map((key) => model.get(key)?.value))
        },
      ),
    )
  })
})
