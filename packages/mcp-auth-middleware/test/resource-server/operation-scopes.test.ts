import { describe, expect, it } from 'vitest'
import {
  checkScopeOptions,
  createScopePolicy,
  type Operation,
} from '../../src/resource-server/operation-scopes.js'

const policy = createScopePolicy({
  required: ['use', 'use'],
  tools: {
    list: [],
    'doc_*': ['read'],
    'doc_delete_*': ['admin'],
    doc_delete_draft: ['write'],
  },
  otherTools: ['other'],
  resources: { 'coda://docs/*': ['read'] },
  otherResources: [],
})
const tool = (name: string | undefined): Operation => ({ kind: 'tools', name })

describe('createScopePolicy()', () => {
  it.each([
    ['an exact name with no scopes', 'list', []],
    ['a prefix', 'doc_get', ['read']],
    ['the prefix itself', 'doc_', ['read']],
    ['the longest of two prefixes', 'doc_delete_row', ['admin']],
    ['an exact name before any prefix', 'doc_delete_draft', ['write']],
    ['a tool that nobody named', 'new_tool', ['other']],
    ['one character short of the prefix', 'doc', ['other']],
    ['another case', 'List', ['other']],
    ['a call without a name', undefined, ['other']],
    ['a member of the prototype', 'constructor', ['other']],
    ['the wildcard as a name', '*', ['other']],
  ])('finds the scopes of %s', (_, name, scopes) => {
    expect(policy.scopesFor([tool(name)], [])).toEqual(scopes)
  })

  it('joins the scopes of all operations with the endpoint, each once', () => {
    const operations: Operation[] = [
      tool('doc_get'),
      tool('doc_delete_row'),
      { kind: 'resources', name: 'coda://docs/1' },
    ]
    expect(policy.scopesFor(operations, policy.required)).toEqual(['use', 'read', 'admin'])
  })

  it('asks nothing of a kind without a table', () => {
    expect(policy.scopesFor([{ kind: 'prompts', name: 'x' }], ['use'])).toEqual(['use'])
  })

  it('asks first for what is required, or for more where that is configured', () => {
    expect(createScopePolicy({ required: ['a'] }).initial).toEqual(['a'])
    const options = { required: ['a'], initial: ['a', 'b', 'b'] }
    expect(createScopePolicy(options)).toMatchObject({ required: ['a'], initial: ['a', 'b'] })
  })

  it.each([
    ['nothing', {}, false, false],
    ['required scopes', { required: ['a'] }, false, true],
    ['a table without scopes', { tools: { a: [] }, otherTools: [] }, true, false],
    ['a table with a scope', { tools: { a: ['a'] }, otherTools: [] }, true, true],
    ['only the rest', { otherTools: ['a'] }, true, true],
    ['prompts', { prompts: {}, otherPrompts: ['a'] }, true, true],
  ])('knows what %s needs', (_, options, readsMessages, asksForScopes) => {
    expect(createScopePolicy(options)).toMatchObject({ readsMessages, asksForScopes })
  })
})

describe('checkScopeOptions()', () => {
  it.each([
    ['tools without otherTools', { tools: { a: ['x'] } }, 'scopes.otherTools'],
    ['resources without otherResources', { resources: {} }, 'scopes.otherResources'],
    ['prompts without otherPrompts', { prompts: {} }, 'scopes.otherPrompts'],
    ['a wildcard inside', { tools: { 'a*b': [] }, otherTools: [] }, 'scopes.tools["a*b"]'],
    ['an empty name', { tools: { '': [] }, otherTools: [] }, 'scopes.tools[""]'],
    ['a bad scope', { tools: { a: ['x y'] }, otherTools: [] }, 'scopes.tools["a"][0]'],
    ['a bad implied scope', { implies: { a: ['x y'] } }, 'scopes.implies["a"][0]'],
    ['a bad implying scope', { implies: { 'a b': ['x'] } }, 'scopes.implies[0]'],
    ['offline_access', { required: ['offline_access'] }, 'scopes.required[0]'],
  ])('reports %s', (_, options, path) => {
    expect(checkScopeOptions('scopes', options).map((problem) => problem.path)).toEqual([path])
  })

  it('is content with a full table', () => {
    const options = { tools: { 'a_*': ['x'] }, otherTools: ['y'], implies: { y: ['x'] } }
    expect(checkScopeOptions('scopes', options)).toEqual([])
  })
})

describe('initial scopes', () => {
  it.each([
    ['the required ones', { required: ['a'], initial: ['a'] }],
    ['more', { required: ['a'], initial: ['b', 'a'] }],
    ['one that implies them', { required: ['a'], initial: ['b'], implies: { b: ['a'] } }],
  ])('may be %s', (_, options) => {
    expect(checkScopeOptions('scopes', options)).toEqual([])
  })

  it.each([
    ['none of the required ones', { required: ['a'], initial: ['b'] }, 'scopes.initial'],
    ['one short', { required: ['a', 'b'], initial: ['a'] }, 'scopes.initial'],
    [
      'implied the wrong way round',
      { required: ['b'], initial: ['a'], implies: { b: ['a'] } },
      'scopes.initial',
    ],
    ['offline_access', { initial: ['offline_access'] }, 'scopes.initial[0]'],
    ['no scope token', { initial: ['a b'] }, 'scopes.initial[0]'],
  ])('must not be %s', (_, options, path) => {
    expect(checkScopeOptions('scopes', options)).toEqual([
      { path, message: expect.any(String) as string },
    ])
  })
})
