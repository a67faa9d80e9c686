import { type ConfigurationError, isAuthError } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey, localKeyProvider } from '@bestviable/mcp-auth-middleware/envelope'
import { describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/create-database.js'
import { postgresTokenStore } from '../../src/postgres-token-store.js'

const connectionString = 'postgresql://canary-user:canary-password@db.example/mcp'
const encryptionKeys = generateEncryptionKey()
const valid = { connectionString, encryptionKeys }

function pathsOf(options: unknown): string[] {
  try {
    postgresTokenStore(options as Parameters<typeof postgresTokenStore>[0])
  } catch (error) {
    if (!isAuthError(error) || error.code !== 'ERR_CONFIGURATION') throw error
    expect(String(error)).toContain('postgresTokenStore')
    expect(String(error)).not.toContain('canary')
    expect(String(error)).not.toContain(encryptionKeys)
    return (error as ConfigurationError).problems.map(({ path }) => path)
  }
  return []
}

describe('options of postgresTokenStore', () => {
  it('takes a connection string and keys, and connects to nothing yet', async () => {
    const store = postgresTokenStore(valid)
    expect(store.name).toBe('postgres')
    expect(store.capabilities).toEqual({
      write: true,
      compareAndSet: true,
      lease: true,
      tombstone: true,
    })
    expect(store.database.schema).toBe('mcp_auth')
    await store.close()
  })

  it.each([
    ['no keys', { connectionString }, ['encryptionKeys']],
    [
      'both kinds of keys',
      { ...valid, keyProvider: localKeyProvider({ keys: encryptionKeys }) },
      ['encryptionKeys'],
    ],
    ['no database', { encryptionKeys }, ['(options)']],
    ['two databases', { ...valid, dataDir: 'data' }, ['(options)']],
    ['a misspelt option', { ...valid, namspace: 'one' }, ['namspace']],
    ['a namespace with a blank', { ...valid, namespace: 'a b' }, ['namespace']],
    ['an empty namespace', { ...valid, namespace: '' }, ['namespace']],
    ['a schema with a quote', { ...valid, schema: 'a"b' }, ['schema']],
    ['a sink that is none', { ...valid, audit: {} }, ['audit']],
    ['an unknown way to audit reads', { ...valid, auditReads: 'some' }, ['auditReads']],
    ['an unknown answer to a failed audit', { ...valid, auditFailure: 'panic' }, ['auditFailure']],
    ['a clock that is a number', { ...valid, now: 0 }, ['now']],
    [
      'a cache that is too large',
      { ...valid, unwrapCacheEntries: 100_001 },
      ['unwrapCacheEntries'],
    ],
    ['a provider that is none', { connectionString, keyProvider: {} }, ['keyProvider']],
    ['nothing', undefined, ['(options)']],
  ])('refuses %s', (_, options, paths) => {
    expect(pathsOf(options)).toEqual(paths)
  })

  it.each([
    ['31 bytes', Buffer.alloc(31, 7).toString('base64')],
    ['33 bytes', Buffer.alloc(33, 7).toString('base64')],
    ['empty', ''],
    ['hex', Buffer.from(encryptionKeys, 'base64').toString('hex')],
    ['a password', 'password'],
    ['32 zero bytes', Buffer.alloc(32).toString('base64')],
    ['a good key and an empty one', `${encryptionKeys},`],
  ])('X14 refuses a key that is %s', (_, keys) => {
    expect(pathsOf({ connectionString, encryptionKeys: keys })).toEqual(['encryptionKeys'])
  })

  it('lists every bad option of the store and of its database at once', () => {
    const paths = pathsOf({
      connectionString: 'mysql://canary',
      encryptionKeys: 'canary',
      namespace: '-',
      auditReads: 'some',
      maxConnections: 0,
      typo: true,
    })
    expect(paths.sort()).toEqual(
      ['auditReads', 'connectionString', 'maxConnections', 'namespace', 'typo'].sort(),
    )
  })

  it('takes a database, and then none of its options', async () => {
    const database = createDatabase({ connectionString })
    expect(pathsOf({ database, encryptionKeys })).toEqual([])
    expect(pathsOf({ database, encryptionKeys, connectionString, schema: 'other' })).toEqual([
      'connectionString',
      'schema',
    ])
    expect(pathsOf({ database: {}, encryptionKeys })).toEqual(['database'])
    const store = postgresTokenStore({ database, encryptionKeys })
    expect(store.database).toBe(database)
    await database.close()
  })
})
