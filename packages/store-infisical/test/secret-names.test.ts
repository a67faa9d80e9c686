import type { CredentialKey } from '@bestviable/mcp-auth-middleware'
import { describe, expect, it } from 'vitest'
import { infisicalSecretFor } from '../src/index.js'
import { formatOwnerComment, parseOwnerComment } from '../src/owner-comment.js'
import { parseSecretName, secretNameOf } from '../src/secret-names.js'
import { serviceKey, userKey } from './support.js'

const PROVIDERS = [
  'coda',
  'my-api',
  'my_api',
  'MY_API',
  'MY-API',
  'My-api',
  'myapi',
  'my--api',
  'my-_api',
  'my__api',
  'my-api-',
  'my_5fapi',
  '_my-api',
  '5f',
  '_5f',
  'f5',
  'constructor',
  '__proto__',
  'toString',
  'a-api-token',
  'a_API_TOKEN',
  'P'.repeat(64),
]

describe('names of secrets', () => {
  it.each([
    ['coda', 'CODA_API_TOKEN'],
    ['my-api', 'MY_API_API_TOKEN'],
    ['my_api', 'MY__5FAPI_API_TOKEN'],
    ['MY_API', '__4D__59__5F__41__50__49_API_TOKEN'],
    ['4me', '__34ME_API_TOKEN'],
  ])('writes the service of %s as %s', (provider, name) => {
    expect(infisicalSecretFor(serviceKey(provider))).toEqual({ folder: '/mcp-auth/default', name })
  })

  it('X16 gives every provider and owner a name of its own, in the letters of all versions', () => {
    const keys = PROVIDERS.flatMap((provider): CredentialKey[] => [
      serviceKey(provider),
      { ...userKey('ann'), provider },
      { ...userKey("'; DROP TABLE x;--"), provider },
    ])
    const names = keys.map(secretNameOf)
    expect(new Set(names).size).toBe(keys.length)
    for (const name of names) expect(name).toMatch(/^[A-Z0-9_]{1,500}$/)
  })

  it.each(PROVIDERS)('reads back the provider of its name: %s', (provider) => {
    expect(parseSecretName(secretNameOf(serviceKey(provider)))).toEqual({
      kind: 'service',
      key: serviceKey(provider),
    })
    expect(parseSecretName(secretNameOf({ ...userKey('ann'), provider }))).toEqual({
      kind: 'user',
      provider,
    })
  })

  it.each([
    ['another variable', 'DATABASE_URL'],
    ['no provider', '_API_TOKEN'],
    ['lower case', 'coda_API_TOKEN'],
    ['an escape that is not needed', 'CO__64A_API_TOKEN'],
    ['an escape that is cut', 'CODA__5_API_TOKEN'],
    ['a digit that should be escaped', '4ME_API_TOKEN'],
    ['a digest that is too short', `CODA_API_TOKEN__${'A'.repeat(63)}`],
    ['a digest in lower case', `CODA_API_TOKEN__${'a'.repeat(64)}`],
    ['text behind', 'CODA_API_TOKEN_OLD'],
    ['a hyphen', 'MY-API_API_TOKEN'],
  ])('leaves a secret alone whose name has %s', (_title, name) => {
    expect(parseSecretName(name)).toBeUndefined()
  })

  it('puts path and namespace into the folder', () => {
    const key = serviceKey()
    expect(infisicalSecretFor(key, { path: '/', namespace: 'one' }).folder).toBe('/one')
    expect(infisicalSecretFor(key, { path: '/a/b' }).folder).toBe('/a/b/default')
    expect(() => infisicalSecretFor(key, { namespace: 'a/b' })).toThrow(/namespace/)
    expect(() => infisicalSecretFor(serviceKey('a/b'))).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_INVALID' }),
    )
  })
})

describe('comments', () => {
  it.each([
    serviceKey(),
    userKey('ann'),
    userKey('\u{1F600} é "quoted" \\'),
    userKey('__proto__', 'constructor'),
  ])('name the owner in one line of ASCII', (key) => {
    const comment = formatOwnerComment(key, 'a-write')
    expect(comment).toMatch(/^[\x20-\x7e]+$/)
    expect(comment.trim()).toBe(comment)
    expect(parseOwnerComment(comment)).toEqual({ key, write: 'a-write' })
  })

  it.each([
    ['nothing', ''],
    ['a remark', 'asked for by Ann'],
    ['other JSON', '{"ticket":7}'],
    ['cut JSON', '{"mcpauth":1,"provider":"coda"'],
    ['another version', '{"mcpauth":2,"provider":"coda"}'],
    ['a provider that no store accepts', '{"mcpauth":1,"provider":"a/b"}'],
  ])('may hold %s of a person', (_title, comment) => {
    expect(parseOwnerComment(comment)).toBeUndefined()
  })
})
