import { ConfigurationError, isAuthError } from '@bestviable/mcp-auth-middleware'
import type { Envelope, EnvelopeCodec } from '@bestviable/mcp-auth-middleware/envelope'
import type { Database, Queryable, Statement } from '../database/database.js'
import { keyIdFromBytes, keyIdToBytes } from './key-id.js'
import { sealedTables } from './sealed-tables.js'

const CHECK_VALUE = new TextEncoder().encode('mcp-auth key check')

const selectKeys: Statement = {
  name: 'mcp_auth_keys_select',
  text: 'SELECT key_id, check_wrapped, check_payload FROM {schema}.encryption_keys ORDER BY created_at, key_id',
}

const insertKey: Statement = {
  name: 'mcp_auth_keys_insert',
  text: `INSERT INTO {schema}.encryption_keys (key_id, check_wrapped, check_payload)
VALUES ($1, $2, $3) ON CONFLICT (key_id) DO NOTHING`,
}

// One row that every process writes makes them take turns, on every engine and behind every pooler.
const takeTurn: Statement = {
  name: 'mcp_auth_keys_take_turn',
  text: `INSERT INTO {schema}.leases (namespace, key_digest, holder, expires_at)
VALUES ('', ''::bytea, '00000000-0000-0000-0000-000000000000', clock_timestamp())
ON CONFLICT (namespace, key_digest) DO UPDATE SET expires_at = clock_timestamp()`,
}

const endTurn: Statement = {
  name: 'mcp_auth_keys_end_turn',
  text: `DELETE FROM {schema}.leases WHERE namespace = '' AND key_digest = ''::bytea`,
}

const selectUsedKeys: Statement = {
  name: 'mcp_auth_keys_used',
  text: sealedTables
    .map(({ name }) => `SELECT DISTINCT key_id FROM {schema}.${name} WHERE key_id IS NOT NULL`)
    .join(' UNION '),
}

function checkContext(keyId: string): readonly string[] {
  return ['key-check', keyId]
}

function refuse(message: string, cause?: unknown): ConfigurationError {
  const problems = [{ path: 'MCP_AUTH_ENCRYPTION_KEYS', message }]
  return new ConfigurationError('encryption keys of the database', problems, { cause })
}

function refuseForeign(expected: readonly string[], codec: EnvelopeCodec): ConfigurationError {
  const nouns = expected.length === 1 ? 'the key' : 'one of the keys'
  return refuse(
    `this database is encrypted under ${nouns} ${expected.join(', ')}; configured are ${codec.keyIds.join(', ')}. Add the expected key; nothing was written`,
  )
}

async function checkKey(codec: EnvelopeCodec, keyId: string, check: Envelope): Promise<void> {
  try {
    const opened = await codec.open(checkContext(keyId), check)
    if (Buffer.compare(opened, CHECK_VALUE) === 0) return
  } catch (error) {
    // A key provider that cannot be asked now says nothing about the key.
    if (!isAuthError(error) || error.code !== 'ERR_STORE_INTEGRITY') throw error
    throw refuse(
      `the key ${keyId} does not open its check value: it is another key with the same id, or the table encryption_keys is damaged`,
      error,
    )
  }
  throw refuse(`the check value of the key ${keyId} is not the expected one`)
}

/** Checks the configured keys against the registered ones; tells whether the current one is among them. */
async function checkKeys(database: Queryable, codec: EnvelopeCodec): Promise<boolean> {
  const registered = new Map<string, Envelope>()
  for (const row of await database.query(selectKeys, [])) {
    const keyId = keyIdFromBytes(row.key_id)
    const { check_wrapped: bytes, check_payload: payload } = row
    if (!(bytes instanceof Uint8Array) || !(payload instanceof Uint8Array)) continue
    registered.set(keyId, { wrappedKey: { keyId, bytes }, payload })
  }
  const known = codec.keyIds.filter((keyId) => registered.has(keyId))
  if (registered.size > 0 && known.length === 0) throw refuseForeign([...registered.keys()], codec)
  for (const keyId of known) {
    const check = registered.get(keyId)
    if (check !== undefined) await checkKey(codec, keyId, check)
  }
  if (registered.size === 0) {
    // Records without any registered key: a table was restored without the other.
    const used = (await database.query(selectUsedKeys, [])).map((row) => keyIdFromBytes(row.key_id))
    if (used.length > 0 && !used.some((keyId) => codec.keyIds.includes(keyId))) {
      throw refuseForeign(used, codec)
    }
  }
  return registered.has(codec.currentKeyId)
}

/**
 * Checks the configured keys against the key ids of the database, and registers the current one when
 * it is new. Call it before the first read or write: a wrong key must not write a single record.
 *
 * The table `encryption_keys` holds a known value sealed under each key, never a key. When every key
 * is known, nothing is written. Replicas that start at the same time take turns, so that two with
 * different keys cannot both become the first.
 *
 * @throws {@link ConfigurationError} when none of the configured keys is registered although others
 *   are, or when a key does not open its check value; nothing was written.
 * @throws {@link StoreUnavailableError} when the database or the key provider does not answer.
 */
export async function registerKeys(database: Database, codec: EnvelopeCodec): Promise<void> {
  if (await checkKeys(database, codec)) return
  const keyId = codec.currentKeyId
  const { wrappedKey, payload } = await codec.seal(checkContext(keyId), CHECK_VALUE)
  await database.transaction(
    async (transaction) => {
      await transaction.query(takeTurn, [])
      // Another replica may have been first since the check above.
      if (!(await checkKeys(transaction, codec))) {
        await transaction.query(insertKey, [keyIdToBytes(keyId), wrappedKey.bytes, payload])
      }
      await transaction.query(endTurn, [])
    },
    { kind: 'write' },
  )
}
