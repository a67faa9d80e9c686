import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type InfisicalTokenStoreOptions, infisicalTokenStore } from '../src/index.js'
import { createSdkLoader } from '../src/sdk-loader.js'
import { tokenLifeSeconds } from '../src/token-life.js'
import { startFakeInfisical } from './fake-infisical/index.js'
import { apiKey, ENCRYPTION_KEYS, rejectionOf, serviceKey, storeOver } from './support.js'

const VALID: InfisicalTokenStoreOptions = {
  projectId: 'project',
  environment: 'prod',
  auth: { method: 'access-token', token: 'canary-token' },
}

function messageOf(options: unknown): string {
  try {
    infisicalTokenStore(options as InfisicalTokenStoreOptions)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIGURATION' })
    return String(error)
  }
  throw new Error('nothing was refused')
}

describe('options', () => {
  it.each([
    'https://app.infisical.com',
    'https://secrets.example.com/infisical/',
    'http://127.0.0.1:8080',
    'http://[::1]:8080',
    'http://localhost',
  ])('accepts the site %s', (siteUrl) => {
    expect(infisicalTokenStore({ ...VALID, siteUrl }).name).toBe('infisical')
  })

  it.each([
    'http://app.infisical.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'https://canary:canary@app.infisical.com',
    'https://app.infisical.com/?canary',
    'https://app.infisical.com/#canary',
    'ftp://127.0.0.1',
    'app.infisical.com',
    '',
  ])('refuses the site %j without repeating it', (siteUrl) => {
    const message = messageOf({ ...VALID, siteUrl })
    expect(message).toContain('siteUrl')
    expect(message).not.toContain('canary')
  })

  it.each([
    ['path', 'mcp-auth'],
    ['path', '/mcp-auth/'],
    ['path', '/a b'],
    ['path', '/../a'],
    ['path', '//a'],
    ['namespace', 'a/b'],
    ['namespace', ''],
    ['listTtlSeconds', -1],
    ['listTtlSeconds', 3601],
    ['serveStaleSeconds', Number.NaN],
    ['readDeadlineMilliseconds', 0],
    ['writeDeadlineMilliseconds', '5000'],
    ['now', 1],
    ['onEvent', {}],
    ['audit', 'console'],
    ['projectId', ''],
    ['environment', undefined],
    ['auth', undefined],
    ['auth.method', { method: 'canary' }, 'auth'],
    ['auth.clientSecret', { method: 'universal', clientId: 'canary' }, 'auth'],
    ['auth.identityId', { method: 'aws', identityId: 7 }, 'auth'],
    ['auth.canary', { method: 'aws', canary: 'x' }, 'auth'],
    ['seal', {}],
    ['seal', { encryptionKeys: ENCRYPTION_KEYS, keyProvider: {} }],
    ['seal.keyProvider', { keyProvider: 'canary' }, 'seal'],
    ['siteURL', 'https://app.infisical.com'],
  ])('names the option %s when it is %j', (path, value, member = path) => {
    expect(messageOf({ ...VALID, [member]: value })).toContain(`  ${path}: `)
  })

  it('lists every bad option in one error', () => {
    const message = messageOf({ auth: { method: 'universal', clientId: '' }, path: 'x' })
    for (const path of ['projectId', 'environment', 'path', 'auth.clientId', 'auth.clientSecret']) {
      expect(message).toContain(`  ${path}: `)
    }
  })

  it('X14 refuses malformed keys at once', () => {
    for (const encryptionKeys of ['password', '', 'A'.repeat(43)]) {
      expect(messageOf({ ...VALID, seal: { encryptionKeys } })).not.toContain('password')
    }
  })
})

describe('X33 secrets of the configuration', () => {
  it('are shown by nothing', async () => {
    const fake = await startFakeInfisical()
    try {
      const seal = { encryptionKeys: ENCRYPTION_KEYS }
      const store = storeOver(fake, { seal })
      const seen: unknown[] = []
      const audited = storeOver(fake, {
        seal,
        audit: { record: (event) => void seen.push(event) },
        onEvent: (event) => void seen.push(event),
      })
      await audited.set(serviceKey(), apiKey('canary-value'))
      await audited.get(serviceKey())
      const errors: Error[] = []
      for (const fault of ['server-error', 'html', 'reset', 'token-expired', 'stall'] as const) {
        fake.faults.always(fault)
        errors.push(
          await rejectionOf(storeOver(fake, { readDeadlineMilliseconds: 100 }).get(serviceKey())),
        )
        fake.faults.clear()
      }
      fake.faults.deny('read-value')
      errors.push(await rejectionOf(store.get(serviceKey())))
      fake.faults.clear()
      fake.identities.loginRefusal = 'Invalid credentials'
      errors.push(await rejectionOf(storeOver(fake).get(serviceKey())))

      const texts = [store, audited, seen, errors].flatMap((each) => [
        inspect(each, { depth: 9, showHidden: true }),
        JSON.stringify(each),
      ])
      for (const error of errors) {
        expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
        let link: unknown = error
        while (link instanceof Error) {
          texts.push(link.message, link.stack ?? '')
          link = link.cause
        }
      }
      const all = texts.join('\n')
      for (const secret of [
        'canary-value',
        fake.clientSecret,
        fake.clientId,
        fake.projectId,
        ENCRYPTION_KEYS,
        'secretPath',
        '/api/v3',
      ]) {
        expect(all).not.toContain(secret)
      }
      expect(seen.length).toBeGreaterThan(0)
    } finally {
      await fake.close()
    }
  })
})

describe('the SDK as an optional package', () => {
  it('names the installation when it is missing, and looks again later', async () => {
    let attempts = 0
    const load = createSdkLoader(async () => {
      attempts++
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
    })
    for (const expected of [1, 2]) {
      const error = await rejectionOf(load())
      expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      expect(error.message).toContain('npm install @infisical/sdk')
      expect(attempts).toBe(expected)
    }
  })

  it('does not send people to the registry when it is there and broken', async () => {
    const error = await rejectionOf(createSdkLoader(() => Promise.reject(new Error('boom')))())
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    expect(error.message).not.toContain('npm install')
  })
})

describe('tokenLifeSeconds()', () => {
  const tokenOf = (claims: unknown) =>
    `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`

  it.each([
    ['counts from iat', tokenOf({ iat: 1000, exp: 1060 }), 60],
    ['counts from now without iat', tokenOf({ exp: 5060 }), 60],
    ['knows nothing of an end in the past', tokenOf({ exp: 4999 }), undefined],
    ['knows nothing without exp', tokenOf({ iat: 1000 }), undefined],
    ['knows nothing of exp as text', tokenOf({ exp: '5060' }), undefined],
    ['knows nothing of an opaque token', 'st.token', undefined],
    ['knows nothing of a token that is no JSON', 'a.b.c', undefined],
    ['knows nothing of claims that are null', tokenOf(null), undefined],
  ])('%s', (_title, token, expected) => {
    expect(tokenLifeSeconds(token, 5_000_000)).toBe(expected)
  })
})
