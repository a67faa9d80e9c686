import { describe, expect, it } from 'vitest'
import { createScopeReader } from '../../src/resource-server/granted-scopes.js'
import { createScopeHierarchy } from '../../src/resource-server/scope.js'

const IMPLIES = { admin: ['write'], write: ['read'] }
const readerOf = (implies = {}) => createScopeReader(createScopeHierarchy(implies))

describe('createScopeReader()', () => {
  it('returns the scopes without repeats, frozen, and what they imply', () => {
    const { scopes, expanded } = readerOf(IMPLIES)(['write', 'other', 'write'])
    expect(scopes).toEqual(['write', 'other'])
    expect(Object.isFrozen(scopes)).toBe(true)
    expect([...expanded].sort()).toEqual(['other', 'read', 'write'])
  })

  it('shares what equal lists are worth', () => {
    const read = readerOf(IMPLIES)
    const first = read(['write', 'other'])
    expect(read(['write', 'other'])).toBe(first)
    expect(read(first.scopes)).toBe(first)
  })

  it.each([
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
    [['ab'], ['a', 'b']],
    [['a', 'b'], ['a']],
    [['a'], []],
    [['__proto__'], []],
  ])('tells %j from %j', (left, right) => {
    const read = readerOf()
    expect(read(left).scopes).toEqual(left)
    expect(read(right).scopes).toEqual(right)
    expect([...read(left).expanded]).toEqual(left)
  })

  it('is not changed by a change of the list that it read', () => {
    const read = readerOf(IMPLIES)
    const granted = ['read']
    read(granted)
    granted.push('admin')
    expect([...read(['read']).expanded]).toEqual(['read'])
    expect([...read(granted).expanded].sort()).toEqual(['admin', 'read', 'write'])
  })

  it('does not share between resources', () => {
    expect([...readerOf(IMPLIES)(['write']).expanded]).toEqual(['write', 'read'])
    expect([...readerOf()(['write']).expanded]).toEqual(['write'])
  })

  it('P03 remembers 256 lists', () => {
    const read = readerOf()
    const first = read(['scope-0'])
    for (let index = 1; index < 256; index += 1) read([`scope-${index}`])
    expect(read(['scope-0'])).toBe(first)
    read(['scope-256'])
    expect(read(['scope-0'])).not.toBe(first)
    expect(read(['scope-0'])).toEqual(first)
  })

  it('P03 remembers lists of up to 1024 characters', () => {
    const read = readerOf()
    const fits = ['x'.repeat(256), 'y'.repeat(256), 'z'.repeat(256), 'w'.repeat(253)]
    expect(fits.join(' ')).toHaveLength(1024)
    expect(read([...fits])).toBe(read([...fits]))
    const tooLong = [...fits.slice(0, 3), 'w'.repeat(254)]
    expect(read([...tooLong])).not.toBe(read([...tooLong]))
    expect(read(tooLong).scopes).toEqual(tooLong)
  })
})
