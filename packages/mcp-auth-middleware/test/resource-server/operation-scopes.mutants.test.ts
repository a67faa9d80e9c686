import { describe, expect, it } from 'vitest'
import { checkScopeOptions, createScopePolicy } from '../../src/resource-server/operation-scopes.js'
import { checkScopeList, isScopeToken } from '../../src/resource-server/scope.js'

const tool = (name: string) => [{ kind: 'tools' as const, name }]

describe('createScopePolicy()', () => {
  it.each(['lis', 'listing', 'Save', 'list*', ''])('takes no part of a name for %j', (name) => {
    const policy = createScopePolicy({ tools: { list: [], 'Sa*x': [] }, otherTools: ['other'] })
    expect(policy.scopesFor(tool(name), [])).toEqual(['other'])
    expect(policy.scopesFor(tool('list'), [])).toEqual([])
  })

  it('reads a table also where nothing is said about the rest', () => {
    const policy = createScopePolicy({ tools: { a: ['x'] } })
    expect(policy).toMatchObject({ readsMessages: true, asksForScopes: true })
    expect(policy.scopesFor(tool('a'), [])).toEqual(['x'])
    expect(policy.scopesFor(tool('b'), [])).toEqual([])
    expect(createScopePolicy({ tools: { a: [] } }).asksForScopes).toBe(false)
  })
})

describe('what is said about wrong options', () => {
  it.each([
    [
      { required: ['a'], initial: ['b'] },
      'scopes.initial',
      'must cover `required`, or a client that asks for it is refused at once',
    ],
    [
      { prompts: {} },
      'scopes.otherPrompts',
      'is required beside prompts, so that a new one is never open by accident; use [] to open all others on purpose',
    ],
    [
      { tools: { '*a': [] }, otherTools: [] },
      'scopes.tools["*a"]',
      'must be a name, or a prefix followed by one * at its end',
    ],
    [
      { otherResources: ['ok', 'a b'] },
      'scopes.otherResources[1]',
      'is not a scope token (RFC 6749 section 3.3): no blanks, quotes or backslashes',
    ],
    [
      { required: ['offline_access'] },
      'scopes.required[0]',
      'offline_access is between client and authorization server; remove it',
    ],
  ])('of %j at %s', (options, path, message) => {
    expect(checkScopeOptions('scopes', options)).toEqual([{ path, message }])
  })
})

describe('isScopeToken()', () => {
  it('takes 256 characters and refuses one more', () => {
    expect(isScopeToken('x'.repeat(256))).toBe(true)
    expect(isScopeToken('x'.repeat(257))).toBe(false)
    expect(checkScopeList('scopes', ['x'.repeat(256)])).toEqual([])
  })
})
