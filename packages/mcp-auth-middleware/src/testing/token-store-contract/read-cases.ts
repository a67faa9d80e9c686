// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { CredentialInput, CredentialKey } from '../../token-store/token-store.js'
import {
  apiKey,
  assertStored,
  contractCase,
  listKeys,
  rejectsWith,
  serviceKey,
  type TokenStoreContractCase,
  userKey,
} from './context.js'

const AWKWARD_SECRETS: readonly (readonly [description: string, secret: string])[] = [
  ['one byte', 'x'],
  ['64 KiB', 'k'.repeat(64 * 1024)],
  ['64 KiB of 4-byte characters', '\u{1F511}'.repeat(16 * 1024)],
  ['a newline inside', 'first\nsecond'],
  ['quotes and a backslash', `"double" 'single' \`back\` \\n`],
  ['SQL', `'; DROP TABLE credentials;--`],
  ['emoji', '\u{1F511}\u{1F469}\u{200D}\u{1F680}'],
  ['composed and decomposed accents', '\u00e9 e\u0301'],
  ['something like a placeholder', 'a${HOME}b%s$1{{x}}'],
  ['JSON', '{"secret":"inner"}'],
  ['base64 padding', 'YQ=='],
]

const AWKWARD_NAMES = [
  `'; DROP TABLE x;--`,
  '%',
  '_',
  '\\',
  '"',
  '$1',
  '../..',
  'a/b',
  'a:b',
  ' leading and trailing ',
  '\u{1F600}',
  '\u00e9',
  'e\u0301',
  '__proto__',
  'constructor',
  'Ann',
  'ann',
  'n'.repeat(1024),
] as const

const MALFORMED_KEYS: readonly (readonly [description: string, key: CredentialKey])[] = [
  ['an empty provider', serviceKey('')],
  ['a provider with a slash', serviceKey('a/b')],
  ['a provider with NUL', serviceKey('a\0')],
  ['a provider of 65 characters', serviceKey('p'.repeat(65))],
  ['an empty subject', userKey('')],
  ['an empty issuer', userKey('ann', '')],
  ['a subject with NUL', userKey('ann\0')],
  ['a subject with a newline', userKey('ann\n')],
  ['a subject with a lone surrogate', userKey('\ud800')],
  ['a subject of 10 KB', userKey('n'.repeat(10_240))],
]

/** What every store promises to readers. */
export const readCases: readonly TokenStoreContractCase[] = [
  contractCase('TS01', 'a missing credential is undefined', async ({ create }) => {
    const store = await create([])
    assert.equal(await store.get(serviceKey()), undefined)
    assert.equal(await store.get(userKey('ann')), undefined)
  }),

  contractCase('TS02', 'X22 gives every awkward secret back unchanged', async ({ create }) => {
    for (const [description, secret] of AWKWARD_SECRETS) {
      const store = await create([[serviceKey(), apiKey(secret)]])
      const found = await store.get(serviceKey())
      assert.equal(found?.secret, secret, description)
      assert.equal(found?.kind, 'api-key', description)
    }
  }),

  contractCase('TS03', 'X16 treats awkward names as data, each one its own', async ({ create }) => {
    const seed = AWKWARD_NAMES.map(
      (name, index) => [userKey(name), apiKey(`secret-${index}`)] as const,
    )
    const store = await create(seed)
    for (const [key, input] of seed) await assertStored(store, key, input)
  }),

  contractCase(
    'TS04',
    'X18 finds nothing under names that every object has',
    async ({ create }) => {
      const store = await create([[serviceKey(), apiKey('service-secret')]])
      for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
        assert.equal(await store.get(serviceKey(name)), undefined, name)
        assert.equal(await store.get(userKey(name)), undefined, name)
      }
    },
  ),

  contractCase('TS05', 'refuses malformed keys without repeating them', async ({ create }) => {
    const store = await create([])
    for (const [description, key] of MALFORMED_KEYS) {
      const echoed = key.owner.kind === 'user' ? [key.owner.subject, key.provider] : [key.provider]
      const long = echoed.filter((text) => text.length > 64)
      await rejectsWith('ERR_STORE_INVALID', () => store.get(key), long).catch((cause) => {
        throw new Error(description, { cause })
      })
    }
  }),

  contractCase('TS06', 'never answers with the credential of another owner', async ({ create }) => {
    const service = await create([[serviceKey(), apiKey('service-secret')]])
    assert.equal(await service.get(userKey('ann')), undefined)
    assert.equal(await service.get(userKey('service')), undefined)

    const user = await create([[userKey('bc', 'a'), apiKey('user-secret')]])
    assert.equal(await user.get(serviceKey()), undefined)
    // The same characters, divided otherwise between issuer and subject.
    assert.equal(await user.get(userKey('c', 'ab')), undefined)
    assert.equal(await user.get(userKey('a', 'bc')), undefined)
    assert.equal(await user.get(userKey('bc', 'a', 'other')), undefined)
    await assertStored(user, userKey('bc', 'a'), apiKey('user-secret'))
  }),

  contractCase('TS07', 'keeps namespaces over one backend apart', async ({ create }) => {
    const one = await create([[serviceKey(), apiKey('of-one')]], { namespace: 'one' })
    const other = await create([[userKey('ann'), apiKey('of-other')]], {
      beside: one,
      namespace: 'other',
    })
    assert.equal(await other.get(serviceKey()), undefined)
    assert.equal(await one.get(userKey('ann')), undefined)
    assert.deepEqual(await listKeys(one), [serviceKey()])
    assert.deepEqual(await listKeys(other), [userKey('ann')])

    if (!one.capabilities.write) return
    await other.set(serviceKey(), apiKey('of-other'))
    await assertStored(one, serviceKey(), apiKey('of-one'))
    await one.delete(serviceKey())
    await assertStored(other, serviceKey(), apiKey('of-other'))
  }),

  contractCase('TS08', 'gives all members back that it can hold', async (context) => {
    const all = ['refreshToken', 'expiresAt', 'scopes', 'metadata'] as const
    const members: readonly string[] = context.members ?? all
    const full: CredentialInput = {
      kind: 'oauth2',
      secret: 'access',
      refreshToken: 'refresh',
      expiresAt: 4_102_444_800,
      scopes: ['docs.read', 'docs:write'],
      metadata: JSON.parse('{"account":"Ann \\u00e9","__proto__":"a name"}'),
    }
    const held = {
      kind: members.includes('refreshToken') ? 'oauth2' : 'api-key',
      secret: full.secret,
      ...Object.fromEntries(
        all.filter((each) => members.includes(each)).map((each) => [each, full[each]]),
      ),
    } as CredentialInput
    const store = await context.create([[serviceKey(), held]])
    if (store.capabilities.write) assert.deepEqual([...members].sort(), [...all].sort())
    await assertStored(store, serviceKey(), held)
  }),

  contractCase('TS09', 'keeps the version and time of an unchanged value', async ({ create }) => {
    const store = await create([[serviceKey(), apiKey('secret')]])
    const first = await store.get(serviceKey())
    const second = await store.get(serviceKey())
    assert.ok(first !== undefined && first.version !== '')
    assert.equal(first.version, second?.version)
    assert.equal(first.updatedAt, second?.updatedAt)
    assert.ok(Number.isInteger(first.updatedAt) && first.updatedAt > 0)
    assert.ok(!first.version.includes('secret'))
  }),

  contractCase(
    'TS10',
    'X33 shows no secret in JSON, inspect, spread or errors',
    async (context) => {
      const oauth = context.members === undefined || context.members.includes('refreshToken')
      const input: CredentialInput = oauth
        ? { kind: 'oauth2', secret: 'canary-secret', refreshToken: 'canary-refresh' }
        : apiKey('canary-secret')
      const store = await context.create([[serviceKey(), input]])
      const found = await store.get(serviceKey())
      assert.ok(found !== undefined)
      assert.ok(Object.isFrozen(found))
      assert.ok(!Object.keys(found).includes('secret'))
      const shown = [
        JSON.stringify(found),
        inspect(found, { depth: 9 }),
        inspect({ ...found }, { depth: 9, showHidden: true }),
        inspect(store, { depth: 9, showHidden: true }),
        JSON.stringify(store),
        JSON.stringify(await listKeys(store)),
      ]
      for (const text of shown)
        assert.ok(!/canary-(?:secret|refresh)/.test(text), 'a secret is shown')
      assert.match(JSON.stringify(found), /\[redacted\]/)
    },
  ),

  contractCase('TS11', 'lists exactly the keys, by provider when asked', async ({ create }) => {
    const store = await create([
      [serviceKey(), apiKey('one')],
      [userKey('ann'), apiKey('two')],
      [serviceKey('other'), apiKey('three')],
    ])
    assert.deepEqual(
      await listKeys(store),
      [userKey('ann'), serviceKey(), serviceKey('other')].sort((one, other) =>
        JSON.stringify(one) < JSON.stringify(other) ? -1 : 1,
      ),
    )
    assert.deepEqual(await listKeys(store, { provider: 'other' }), [serviceKey('other')])
    assert.deepEqual(await listKeys(store, { provider: 'absent' }), [])
  }),

  contractCase('TS12', 'rejects with the reason of an aborted signal', async ({ create }) => {
    const store = await create([[serviceKey(), apiKey('secret')]])
    const reason = new Error('the caller left')
    const signal = AbortSignal.abort(reason)
    await assert.rejects(store.get(serviceKey(), { signal }), (error) => error === reason)
    const other = new AbortController()
    assert.equal((await store.get(serviceKey(), { signal: other.signal }))?.secret, 'secret')
  }),

  contractCase('TS13', 'checks and closes any number of times', async ({ create }) => {
    const store = await create([[serviceKey(), apiKey('secret')]])
    await store.check()
    await store.check()
    await store.close()
    await store.close()
    await rejectsWith('ERR_STORE_UNAVAILABLE', () => store.get(serviceKey()))
    await rejectsWith('ERR_STORE_UNAVAILABLE', () => store.check())
    await rejectsWith('ERR_STORE_UNAVAILABLE', () => listKeys(store))
  }),
]
