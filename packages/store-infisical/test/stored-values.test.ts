// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the reference syntax of Infisical
import type { CredentialInput, CredentialKey } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { infisicalSecretFor } from '../src/index.js'
import { type FakeInfisical, startFakeInfisical } from './fake-infisical/index.js'
import {
  apiKey,
  ENCRYPTION_KEYS,
  FOLDER,
  oauth,
  rejectionOf,
  serviceKey,
  storeOver,
  userKey,
} from './support.js'

const SEALED = { seal: { encryptionKeys: ENCRYPTION_KEYS } }

let fake: FakeInfisical
beforeEach(async () => {
  fake = await startFakeInfisical()
})
afterEach(() => fake.close())

function stored(key: CredentialKey = serviceKey()) {
  const { name } = infisicalSecretFor(key)
  return fake.secrets().find((secret) => secret.name === name)
}

/** Puts a value in the place of the one that is stored, as a person or an attacker does. */
function replace(value: string, key: CredentialKey = serviceKey()): void {
  fake.edit(FOLDER, infisicalSecretFor(key).name, value, stored(key)?.comment ?? '')
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return Reflect.get(await rejectionOf(promise), 'code')
}

describe('readable values', () => {
  it('stores a plain API key as it is, under a name that people know', async () => {
    await storeOver(fake).set(serviceKey(), apiKey('canary-key-1234'))
    expect(fake.secrets()).toMatchObject([
      { path: FOLDER, name: 'CODA_API_TOKEN', value: 'canary-key-1234' },
    ])
  })

  it.each<readonly [string, CredentialInput]>([
    ['a refresh token', oauth('canary')],
    ['an end', { kind: 'api-key', secret: 'canary', expiresAt: 4_102_444_800 }],
    ['scopes', { kind: 'api-key', secret: 'canary', scopes: ['a'] }],
    ['metadata', { kind: 'api-key', secret: 'canary', metadata: { account: 'ann' } }],
    ['the kind oauth2', { kind: 'oauth2', secret: 'canary' }],
    ['white space in front', apiKey(' canary')],
    ['a line end behind', apiKey('canary\n')],
    ['a line end inside', apiKey('canary\ncanary')],
    ['a reference', apiKey('canary${OTHER}')],
    ['the prefix of a format', apiKey('mcpauth:canary')],
    ['a leading angle bracket', apiKey('<canary')],
  ])('encodes a credential with %s, and gives it back unchanged', async (_title, input) => {
    const store = storeOver(fake)
    await store.set(serviceKey(), input)
    expect(stored()?.value).toMatch(/^mcpauth:1:[\w-]+$/)
    expect(stored()?.value).not.toContain('canary')
    const found = await store.get(serviceKey())
    expect({ ...found, secret: found?.secret, refreshToken: found?.refreshToken }).toMatchObject(
      input,
    )
  })

  it.each(['$', '{', '$ {', 'a b', 'mcpauth', 'x<', '***'])(
    'leaves what is nearly special as it is: %s',
    async (secret) => {
      await storeOver(fake).set(serviceKey(), apiKey(secret))
      expect(stored()?.value).toBe(secret)
    },
  )

  it('takes the version of a bare key from Infisical, so that an edit is seen', async () => {
    const store = storeOver(fake)
    const written = await store.set(serviceKey(), apiKey('canary-old'))
    expect(written.version).toMatch(/^i:[\w-]+:1$/)
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-new')
    const found = await store.get(serviceKey())
    expect(found?.secret).toBe('canary-new')
    expect(found?.version).toBe(written.version.replace(/1$/, '2'))
    expect(found?.updatedAt).toBeGreaterThan(1_700_000_000)
  })

  it('reads what a person created by hand, without the line end that came along', async () => {
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-by-hand\n', 'asked for by Ann')
    expect((await storeOver(fake).get(serviceKey()))?.secret).toBe('canary-by-hand')
  })

  it('leaves the remark of a person on a service credential where it is', async () => {
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary-old', 'asked for by Ann')
    await storeOver(fake).set(serviceKey(), apiKey('canary-new'))
    expect(stored()).toMatchObject({ comment: 'asked for by Ann', value: 'canary-new' })
  })

  it.each([
    ['nothing', ''],
    ['a reference', '${prod.shared.CODA_API_TOKEN}'],
    ['an unknown format', 'mcpauth:9:e30'],
    ['a format without content', 'mcpauth:1:'],
    ['JSON with bits changed', 'mcpauth:1:e30x'],
    ['JSON of something else', `mcpauth:1:${Buffer.from('{"version":"v"}').toString('base64url')}`],
    ['no JSON', `mcpauth:1:${Buffer.from('text').toString('base64url')}`],
    ['a damaged tombstone', 'mcpauth:0:AAAA'],
  ])('rejects a value that is %s as damaged, never as absent', async (_title, value) => {
    fake.edit(FOLDER, 'CODA_API_TOKEN', value)
    expect(await codeOf(storeOver(fake).get(serviceKey()))).toBe('ERR_STORE_INTEGRITY')
    expect(stored()?.value).toBe(value)
  })

  it('X02 rejects a value that was copied from another owner', async () => {
    const store = storeOver(fake)
    await store.set(userKey('ann'), oauth('canary-ann'))
    await store.set(userKey('bob'), oauth('canary-bob'))
    replace(stored(userKey('ann'))?.value ?? '', userKey('bob'))
    const error = await rejectionOf(store.get(userKey('bob')))
    expect(error).toMatchObject({ code: 'ERR_STORE_INTEGRITY' })
    expect(error.message).not.toContain('ann')
    expect((await store.get(userKey('ann')))?.secret).toBe('canary-ann')
  })

  it('X02 rejects a bare key that was copied with its comment', async () => {
    const store = storeOver(fake)
    await store.set(userKey('ann'), apiKey('canary-ann'))
    const { name } = infisicalSecretFor(userKey('bob'))
    fake.edit(FOLDER, name, 'canary-ann', stored(userKey('ann'))?.comment)
    expect(await codeOf(store.get(userKey('bob')))).toBe('ERR_STORE_INTEGRITY')
  })

  it('X02 rejects a value that was copied from another namespace', async () => {
    const other = storeOver(fake, { namespace: 'other' })
    await other.set(serviceKey(), oauth('canary-other'))
    fake.edit(FOLDER, 'CODA_API_TOKEN', fake.secrets()[0]?.value ?? '')
    expect(await codeOf(storeOver(fake).get(serviceKey()))).toBe('ERR_STORE_INTEGRITY')
  })

  it('says that a sealed value needs keys, which is not damage', async () => {
    await storeOver(fake, SEALED).set(serviceKey(), apiKey('canary'))
    expect(await codeOf(storeOver(fake).get(serviceKey()))).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('X22 refuses a credential that no request can carry, before it is sent', async () => {
    const secret = '\u0001'.repeat(64 * 1024)
    const input: CredentialInput = { kind: 'oauth2', secret, refreshToken: secret }
    expect(await codeOf(storeOver(fake).set(serviceKey(), input))).toBe('ERR_STORE_INVALID')
    expect(fake.requests).toEqual([])
  })
})

describe('keys()', () => {
  async function keysOf(store = storeOver(fake)): Promise<CredentialKey[]> {
    const keys: CredentialKey[] = []
    for await (const key of store.keys()) keys.push(key)
    return keys
  }

  it('passes over secrets of others in the folder', async () => {
    fake.edit(FOLDER, 'DATABASE_URL', 'postgres://canary')
    fake.edit(FOLDER, 'CODA_API_TOKEN', 'canary')
    expect(await keysOf()).toEqual([serviceKey()])
  })

  it('tells the owner from the value when the comment was changed', async () => {
    await storeOver(fake).set(userKey('ann'), oauth('canary'))
    fake.edit(
      FOLDER,
      infisicalSecretFor(userKey('ann')).name,
      stored(userKey('ann'))?.value ?? '',
      'a remark',
    )
    expect(await keysOf()).toEqual([userKey('ann')])
  })

  it('rejects when an owner cannot be told, instead of losing a credential', async () => {
    await storeOver(fake).set(userKey('ann'), apiKey('canary'))
    await storeOver(fake).set(userKey('bob'), apiKey('canary'))
    fake.edit(FOLDER, infisicalSecretFor(userKey('ann')).name, 'canary', 'a remark')
    const listed: CredentialKey[] = []
    const error = await rejectionOf(
      (async () => {
        for await (const key of storeOver(fake).keys()) listed.push(key)
      })(),
    )
    expect(listed).toEqual([userKey('bob')])
    expect(error).toMatchObject({ code: 'ERR_STORE_INTEGRITY' })
    expect(error.message).toContain(infisicalSecretFor(userKey('ann')).name)
    // Who has the name has the credential: reading needs no comment, and writing restores it.
    expect((await storeOver(fake).get(userKey('ann')))?.secret).toBe('canary')
    await storeOver(fake).set(userKey('ann'), apiKey('canary'))
    expect(await keysOf()).toEqual([userKey('ann'), userKey('bob')])
  })

  it('does not believe a comment that names another owner', async () => {
    await storeOver(fake).set(userKey('ann'), apiKey('canary'))
    const comment = stored(userKey('ann'))?.comment
    fake.edit(FOLDER, infisicalSecretFor(userKey('bob')).name, 'canary', comment)
    expect(await codeOf(keysOf())).toBe('ERR_STORE_INTEGRITY')
  })
})

describe('sealed values', () => {
  it('X01 shows Infisical nothing of the credential', async () => {
    const store = storeOver(fake, SEALED)
    await store.set(serviceKey(), oauth('canary-secret', 'canary-refresh'))
    expect(stored()?.value).toMatch(/^mcpauth:2:[\w-]+\.\d+\.[\w-]+$/)
    const text = JSON.stringify([fake.secrets(), fake.requests])
    const bytes = Buffer.from(stored()?.value.split('.')[2] ?? '', 'base64url')
    expect(text).not.toMatch(/canary-(?:secret|refresh)/)
    expect(bytes.includes('canary')).toBe(false)
    expect((await store.get(serviceKey()))?.refreshToken).toBe('canary-refresh')
  })

  it('X02 rejects a value that was copied to another owner, provider or namespace', async () => {
    const store = storeOver(fake, SEALED)
    await store.set(userKey('ann'), apiKey('canary-ann'))
    const value = stored(userKey('ann'))?.value ?? ''
    for (const key of [userKey('bob'), serviceKey(), { ...userKey('ann'), provider: 'other' }]) {
      replace(value, key)
      expect(await codeOf(store.get(key))).toBe('ERR_STORE_INTEGRITY')
    }
    const other = storeOver(fake, { ...SEALED, namespace: 'other' })
    fake.edit('/mcp-auth/other', infisicalSecretFor(userKey('ann')).name, value)
    expect(await codeOf(other.get(userKey('ann')))).toBe('ERR_STORE_INTEGRITY')
  })

  it('X06 rejects every changed character', async () => {
    const store = storeOver(fake, SEALED)
    await store.set(serviceKey(), apiKey('canary'))
    const value = stored()?.value ?? ''
    for (let place = 0; place < value.length; place++) {
      const character = value[place] === 'A' ? 'B' : 'A'
      replace(`${value.slice(0, place)}${character}${value.slice(place + 1)}`)
      // A changed key id names a key that is not here, which is an outage by the same token.
      expect(await codeOf(store.get(serviceKey())), `${place}`).toMatch(
        /^ERR_STORE_(?:INTEGRITY|UNAVAILABLE)$/,
      )
    }
    replace(value)
    expect((await store.get(serviceKey()))?.secret).toBe('canary')
  })

  it('X07 rejects truncated values', async () => {
    const store = storeOver(fake, SEALED)
    await store.set(serviceKey(), apiKey('canary'))
    const value = stored()?.value ?? ''
    for (const length of [0, 1, 9, 10, 20, 60, value.length - 4, value.length - 1]) {
      replace(value.slice(0, length))
      expect(await codeOf(store.get(serviceKey())), `${length}`).toBe('ERR_STORE_INTEGRITY')
    }
  })

  it('refuses readable values, and accepts them only where that is asked for', async () => {
    const key = { seal: { encryptionKeys: ENCRYPTION_KEYS, dangerouslyAcceptUnsealed: true } }
    await storeOver(fake).set(serviceKey(), apiKey('canary-bare'))
    await storeOver(fake).set(userKey('ann'), oauth('canary-json'))
    const strict = storeOver(fake, SEALED)
    expect(await codeOf(strict.get(serviceKey()))).toBe('ERR_STORE_INTEGRITY')
    expect(await codeOf(strict.get(userKey('ann')))).toBe('ERR_STORE_INTEGRITY')
    const lax = storeOver(fake, key)
    expect((await lax.get(serviceKey()))?.secret).toBe('canary-bare')
    expect((await lax.get(userKey('ann')))?.secret).toBe('canary-json')
    await lax.set(serviceKey(), apiKey('canary-bare'))
    expect((await strict.get(serviceKey()))?.secret).toBe('canary-bare')
  })

  it('X11 reads under an old key and writes under the new one', async () => {
    const old = generateEncryptionKey()
    const ring = (encryptionKeys: string) => storeOver(fake, { seal: { encryptionKeys } })
    await ring(old).set(serviceKey(), apiKey('canary'))
    const fresh = generateEncryptionKey()
    const both = ring(`${fresh},${old}`)
    expect((await both.get(serviceKey()))?.secret).toBe('canary')
    expect(await codeOf(ring(fresh).get(serviceKey()))).toBe('ERR_STORE_UNAVAILABLE')
    await both.set(serviceKey(), apiKey('canary'))
    expect((await ring(fresh).get(serviceKey()))?.secret).toBe('canary')
  })
})
