import { type AuthError, isAuthError } from '@bestviable/mcp-auth-middleware'
import type { EnvelopeCodec } from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database } from '../../src/database/database.js'
import { registerKeys } from '../../src/keys/register-keys.js'
import { setups } from '../credentials/support.js'
import type { TestDatabase } from '../support/engines.js'
import { codecOf, createTestKey, emptyTables, putCredential, sql, userKey } from './sealed-rows.js'

// PGlite needs seconds to start, and far more on a busy machine.
const START_MILLISECONDS = 180_000

async function failureOf(run: Promise<unknown>): Promise<AuthError | undefined> {
  try {
    await run
    return undefined
  } catch (error) {
    if (isAuthError(error)) return error
    throw error
  }
}

describe.each(setups)('registerKeys() on $title', ({ engine, profile }) => {
  const { skip } = engine
  let home: TestDatabase
  let database: Database
  const [one, two, three] = [createTestKey(), createTestKey(), createTestKey()]

  beforeAll(async () => {
    if (skip !== undefined) return
    home = await engine.createDatabase()
    database = createDatabase({ ...home.options, ...profile.options })
    await database.ready({ timeoutMilliseconds: START_MILLISECONDS })
  }, START_MILLISECONDS)

  beforeEach(async () => {
    if (skip === undefined) await emptyTables(database)
  })

  afterAll(async () => {
    if (skip !== undefined) return
    await database.close()
    await home.drop()
  })

  async function registeredIds(): Promise<unknown[]> {
    const text = `SELECT encode(key_id, 'hex') AS id FROM {schema}.encryption_keys ORDER BY created_at`
    return (await sql(database, text)).map(({ id }) => id)
  }

  it.skipIf(skip)('registers the current key at the first use and nothing afterwards', async () => {
    await registerKeys(database, codecOf(one, two))
    expect(await registeredIds()).toEqual([one.id])
    await registerKeys(database, codecOf(one))
    expect(await registeredIds()).toEqual([one.id])
    await registerKeys(database, codecOf(two, one))
    expect(await registeredIds()).toEqual([one.id, two.id])
    // The way back, and the end of a rotation.
    await registerKeys(database, codecOf(one))
    await registerKeys(database, codecOf(two))
    expect(await registeredIds()).toEqual([one.id, two.id])
  })

  it.skipIf(skip)(
    'X09 refuses a wrong key, names the expected ids and writes nothing',
    async () => {
      await registerKeys(database, codecOf(one))
      await registerKeys(database, codecOf(two, one))
      const error = await failureOf(registerKeys(database, codecOf(three)))
      expect(error?.code).toBe('ERR_CONFIGURATION')
      expect(error?.message).toContain('MCP_AUTH_ENCRYPTION_KEYS')
      expect(error?.message).toContain(one.id)
      expect(error?.message).toContain(two.id)
      for (const { text } of [one, two, three]) expect(error?.message).not.toContain(text)
      expect(await registeredIds()).toEqual([one.id, two.id])
      // Its neighbour: the same new key beside a known one.
      await registerKeys(database, codecOf(three, one))
      expect(await registeredIds()).toEqual([one.id, two.id, three.id])
    },
  )

  it.skipIf(skip)('X09 refuses a known id whose check value does not open', async () => {
    await registerKeys(database, codecOf(one))
    await registerKeys(database, codecOf(two, one))
    // As another key with the same id would leave it.
    await sql(
      database,
      `UPDATE {schema}.encryption_keys SET check_wrapped =
         (SELECT check_wrapped FROM {schema}.encryption_keys WHERE key_id = decode($2, 'hex'))
       WHERE key_id = decode($1, 'hex')`,
      [one.id, two.id],
    )
    const error = await failureOf(registerKeys(database, codecOf(two, one)))
    expect(error?.code).toBe('ERR_CONFIGURATION')
    expect(error?.message).toContain(one.id)
    await registerKeys(database, codecOf(two))
  })

  it.skipIf(skip)('X09 refuses the check value of another constant', async () => {
    const codec = codecOf(one)
    const { wrappedKey, payload } = await codec.seal(
      ['key-check', one.id],
      new TextEncoder().encode('something else'),
    )
    await sql(database, `INSERT INTO {schema}.encryption_keys VALUES (decode($1, 'hex'), $2, $3)`, [
      one.id,
      wrappedKey.bytes,
      payload,
    ])
    expect((await failureOf(registerKeys(database, codec)))?.code).toBe('ERR_CONFIGURATION')
  })

  it.skipIf(skip)('X09 refuses records of another key where no key is registered', async () => {
    await putCredential(database, codecOf(one), userKey('ann'), 'canary-restored')
    const error = await failureOf(registerKeys(database, codecOf(two)))
    expect(error?.code).toBe('ERR_CONFIGURATION')
    expect(error?.message).toContain(one.id)
    expect(await registeredIds()).toEqual([])
    await registerKeys(database, codecOf(two, one))
    expect(await registeredIds()).toEqual([two.id])
  })

  it.skipIf(skip)('registers once when replicas start together', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 4 }, () => registerKeys(database, codecOf(one))),
    )
    expect(results.map(({ status }) => status)).toEqual(Array(4).fill('fulfilled'))
    expect(await registeredIds()).toEqual([one.id])
    expect(await sql(database, 'SELECT 1 FROM {schema}.leases')).toEqual([])
  })

  it.skipIf(skip)('lets one of two replicas with different keys become the first', async () => {
    const results = await Promise.allSettled(
      [one, two, three].map((key) => registerKeys(database, codecOf(key))),
    )
    expect(results.map(({ status }) => status).sort()).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
    ])
    expect(await registeredIds()).toHaveLength(1)
  })

  it.skipIf(skip)('does not take a key provider that is away for a wrong key', async () => {
    const codec = codecOf(one)
    await registerKeys(database, codec)
    const away: EnvelopeCodec = {
      currentKeyId: one.id,
      keyIds: [one.id],
      seal: (context, plaintext) => codec.seal(context, plaintext),
      // The ring of another key: the error is that of a key which cannot be asked for.
      open: (context, envelope) => codecOf(two).open(context, envelope),
      rewrap: (context, envelope) => codec.rewrap(context, envelope),
    }
    expect((await failureOf(registerKeys(database, away)))?.code).toBe('ERR_STORE_UNAVAILABLE')
  })
})
