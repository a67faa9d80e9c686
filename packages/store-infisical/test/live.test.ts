import { randomUUID } from 'node:crypto'
import type { TokenStore } from '@bestviable/mcp-auth-middleware'
import { tokenStoreContract } from '@bestviable/mcp-auth-middleware/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { type InfisicalTokenStoreOptions, infisicalTokenStore } from '../src/index.js'
import { apiKey, ENCRYPTION_KEYS, oauth, serviceKey } from './support.js'

/*
 * Runs against a real Infisical when these are set. Everything happens below a folder of its own name,
 * `/mcp-auth-test-…`; the secrets are removed afterwards, the empty folders are not, which the SDK cannot.
 */
const NAMES = [
  'INFISICAL_CLIENT_ID',
  'INFISICAL_CLIENT_SECRET',
  'INFISICAL_PROJECT_ID',
  'INFISICAL_ENVIRONMENT',
] as const
const missing = NAMES.filter((name) => (process.env[name] ?? '') === '')
if (missing.length > 0) {
  console.warn(`skipped: the tests against a real Infisical need ${missing.join(', ')}`)
}

const path = `/mcp-auth-test-${randomUUID()}`
const value = (name: string) => process.env[name] ?? ''

function liveStore(options: Partial<InfisicalTokenStoreOptions> = {}) {
  return infisicalTokenStore({
    siteUrl: process.env.INFISICAL_SITE_URL,
    projectId: value('INFISICAL_PROJECT_ID'),
    environment: value('INFISICAL_ENVIRONMENT'),
    path,
    auth: {
      method: 'universal',
      clientId: value('INFISICAL_CLIENT_ID'),
      clientSecret: value('INFISICAL_CLIENT_SECRET'),
    },
    listTtlSeconds: 0,
    readDeadlineMilliseconds: 20_000,
    writeDeadlineMilliseconds: 40_000,
    ...options,
  })
}

async function empty(store: TokenStore): Promise<void> {
  for await (const key of store.keys()) await store.delete(key)
  if (store.tombstones === undefined) return
  for await (const key of store.tombstones()) await store.delete(key)
}

const used = new Set<string>()

describe.skipIf(missing.length > 0)('a real Infisical', () => {
  afterAll(async () => {
    for (const namespace of used) await empty(liveStore({ namespace }))
  }, 120_000)

  describe.each([
    ['readable', {}],
    ['sealed', { seal: { encryptionKeys: ENCRYPTION_KEYS } }],
  ] as const)('TokenStore contract: infisical, %s values', (_title, options) => {
    for (const { id, run, title } of tokenStoreContract) {
      it(`${id}: ${title}`, { timeout: 300_000 }, () => {
        const prefixes = new WeakMap<TokenStore, string>()
        return run({
          async create(seed, { beside, namespace = 'default' } = {}) {
            const prefix = (beside && prefixes.get(beside)) ?? randomUUID().slice(0, 8)
            const folder = `${prefix}-${namespace}`
            used.add(folder)
            const store = liveStore({ ...options, namespace: folder })
            prefixes.set(store, prefix)
            for (const [key, input] of seed) await store.set(key, input)
            return store
          },
          destroy: (store) => store.close(),
        })
      })
    }
  })

  it('answers with the texts that the parser knows', { timeout: 120_000 }, async () => {
    used.add('texts')
    const store = liveStore({ namespace: 'texts' })
    expect(await store.get(serviceKey())).toBeUndefined()
    expect(await store.delete(serviceKey())).toBe(false)
    await store.set(serviceKey(), oauth('canary'))
    const again = store.set(serviceKey(), apiKey('canary'), { ifAbsent: true })
    await expect(again).rejects.toMatchObject({ code: 'ERR_STORE_CONFLICT' })
    const elsewhere = liveStore({ environment: `no-${randomUUID().slice(0, 8)}` })
    await expect(elsewhere.check()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })
})
