import { describe, expect, it } from 'vitest'
import {
  checkScopeList,
  coversScopes,
  createScopeHierarchy,
  expandScopes,
  isScopeToken,
} from '../../src/resource-server/scope.js'

describe('coversScopes()', () => {
  it.each([
    ['exactly the scope', ['read'], true],
    ['the scope among others', ['x', 'read'], true],
    ['J44 a scope that begins with it', ['readonly'], false],
    ['J44 a scope that continues it', ['read:all'], false],
    ['J44 a scope that ends with it', ['xread'], false],
    ['J44 both words in one entry', ['read write'], false],
    ['J44 another case', ['READ'], false],
    ['J44 no scope', [], false],
  ])('decides on %s', (_, held, expected) => {
    expect(coversScopes(new Set(held), ['read'])).toBe(expected)
  })

  it('asks for nothing when nothing is required, and for all when several are', () => {
    expect(coversScopes(new Set(), [])).toBe(true)
    expect(coversScopes(new Set(['a']), ['a', 'b'])).toBe(false)
  })
})

describe('createScopeHierarchy()', () => {
  const expand = (granted: string[], implies: Record<string, string[]>) =>
    [...expandScopes(granted, createScopeHierarchy(implies))].sort()

  // MCP 2026-07-28: a server must account for its scope hierarchy.
  it('is transitive', () => {
    expect(expand(['admin'], { admin: ['write'], write: ['read'] })).toEqual([
      'admin',
      'read',
      'write',
    ])
  })

  it('goes down only', () => {
    expect(expand(['read'], { admin: ['write'], write: ['read'] })).toEqual(['read'])
  })

  it('ends on a cycle, whose scopes are then equal', () => {
    expect(expand(['b'], { a: ['b'], b: ['c'], c: ['a'] })).toEqual(['a', 'b', 'c'])
  })

  it('knows nothing about members of the prototype', () => {
    expect(expand(['constructor', '__proto__'], { a: ['b'] })).toEqual(['__proto__', 'constructor'])
  })
})

describe('isScopeToken()', () => {
  it.each(['read', 'coda.read', 'https://www.googleapis.com/auth/drive', '!', '[]', 'a:b/c'])(
    'accepts %s',
    (scope) => {
      expect(isScopeToken(scope)).toBe(true)
    },
  )

  // RFC 6749 section 3.3.
  it.each(['', 'a b', 'a"b', 'a\\b', 'a\tb', 'é', 'a\n', '\x7f', 'x'.repeat(257)])(
    'refuses %j',
    (scope) => {
      expect(isScopeToken(scope)).toBe(false)
    },
  )
})

describe('checkScopeList()', () => {
  it('names each bad entry by its place', () => {
    const problems = checkScopeList('scopes.required', ['ok', 'a b', 'offline_access'])
    expect(problems.map(({ path }) => path)).toEqual(['scopes.required[1]', 'scopes.required[2]'])
  })
})
