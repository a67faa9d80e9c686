import { createVersion, StoreIntegrityError } from '@bestviable/mcp-auth-middleware'
import {
  digestId,
  type SqlRow,
  type SqlValue,
  type Statement,
} from '@bestviable/mcp-auth-store-postgres'
import { openJson, sealJson } from './sealed-json.js'
import type { StorageSession } from './session.js'
import { requireStorable } from './storable-text.js'
import type { AuditInput, SigningKey, SigningKeyState, SigningKeyStore } from './storage.js'

const KID_LENGTH = 256
const STATES: readonly SigningKeyState[] = ['pending', 'active', 'retired']

const listKeys: Statement = {
  name: 'mcp_auth_as_keys_list',
  text: `SELECT kid, algorithm, state, extract(epoch FROM created_at)::float8 AS created_at,
      extract(epoch FROM signs_from)::float8 AS signs_from,
      extract(epoch FROM remove_at)::float8 AS remove_at,
      version::text AS version, key_id, wrapped_key, payload
    FROM {schema}.signing_keys ORDER BY signing_keys.created_at, kid`,
}

const putKey: Statement = {
  name: 'mcp_auth_as_keys_put',
  text: `INSERT INTO {schema}.signing_keys (kid, algorithm, state, created_at, signs_from, remove_at,
      version, key_id, wrapped_key, payload)
    VALUES ($1::text, $2::text, $3::text, to_timestamp($4::float8), to_timestamp($5::float8),
      to_timestamp($6::float8), $7::uuid, $8::bytea, $9::bytea, $10::bytea)
    ON CONFLICT (kid) DO UPDATE SET algorithm = excluded.algorithm, state = excluded.state,
      created_at = excluded.created_at, signs_from = excluded.signs_from,
      remove_at = excluded.remove_at, version = excluded.version, key_id = excluded.key_id,
      wrapped_key = excluded.wrapped_key, payload = excluded.payload`,
}

const removeKey: Statement = {
  name: 'mcp_auth_as_keys_remove',
  text: 'DELETE FROM {schema}.signing_keys WHERE kid = $1::text',
}

// One row that every process writes makes them take turns, also where there is no key yet, on every
// engine and behind every pooler.
const takeTurn: Statement = {
  name: 'mcp_auth_as_keys_take_turn',
  text: `INSERT INTO {schema}.leases (namespace, key_digest, holder, expires_at)
    VALUES ('', 'signing-keys'::bytea, '00000000-0000-0000-0000-000000000000', clock_timestamp())
    ON CONFLICT (namespace, key_digest) DO UPDATE SET expires_at = clock_timestamp()`,
}

const endTurn: Statement = {
  name: 'mcp_auth_as_keys_end_turn',
  text: `DELETE FROM {schema}.leases WHERE namespace = '' AND key_digest = 'signing-keys'::bytea`,
}

/** What is compared to see whether a key has to be written. */
function fingerprint(key: SigningKey): string {
  const { kid, algorithm, state, jwk, createdAt, signsFrom, removeAt } = key
  return JSON.stringify([kid, algorithm, state, jwk, createdAt, signsFrom, removeAt])
}

function namesOf(keys: readonly SigningKey[]): string {
  return keys.map(({ kid }) => kid).join(' ')
}

/** Creates the store of signing keys. `audit` writes to the audit trail. */
export function createSigningKeyStore(
  session: StorageSession,
  audit: (event: AuditInput) => Promise<void>,
): SigningKeyStore {
  const { codec } = session

  function placeOf(kid: string, version: string) {
    return { table: 'signing_keys', kind: 'SigningKey', idDigest: digestId(kid), version } as const
  }

  async function parseKey(row: SqlRow): Promise<SigningKey> {
    const { remove_at: removeAt } = row
    const kid = String(row.kid)
    const json = await openJson(codec, placeOf(kid, String(row.version)), row)
    const sealed = JSON.parse(json) as Pick<SigningKey, 'algorithm' | 'jwk'>
    const state = STATES.find((each) => each === row.state)
    // The columns are open; what decides about signatures is sealed.
    if (state === undefined || sealed.algorithm !== row.algorithm) {
      throw new StoreIntegrityError('the stored signing key is damaged')
    }
    return {
      kid,
      algorithm: sealed.algorithm,
      state,
      jwk: sealed.jwk,
      createdAt: Number(row.created_at),
      signsFrom: Number(row.signs_from),
      ...(typeof removeAt === 'number' && { removeAt }),
    }
  }

  async function list(): Promise<readonly SigningKey[]> {
    return Promise.all((await session.read(listKeys)).map(parseKey))
  }

  async function put(key: SigningKey): Promise<void> {
    const { kid, algorithm, state, jwk, createdAt, signsFrom, removeAt } = key
    const version = createVersion()
    const sealed = await sealJson(codec, placeOf(kid, version), JSON.stringify({ algorithm, jwk }))
    const times: SqlValue[] = [createdAt, signsFrom, removeAt ?? null]
    await session.write(putKey, [
      requireStorable(kid, 'kid', KID_LENGTH),
      algorithm,
      state,
      ...times,
      version,
      ...sealed,
    ])
  }

  async function replace(
    before: readonly SigningKey[],
    after: readonly SigningKey[],
  ): Promise<void> {
    const known = new Map(before.map((key) => [key.kid, fingerprint(key)]))
    const wanted = new Set(after.map(({ kid }) => kid))
    if (wanted.size !== after.length) throw new TypeError('two signing keys have one kid')
    const removed = before.filter(({ kid }) => !wanted.has(kid))
    const added = after.filter(({ kid }) => !known.has(kid))
    const changed = after.filter(
      (key) => known.has(key.kid) && known.get(key.kid) !== fingerprint(key),
    )
    if (removed.length + added.length + changed.length === 0) return
    for (const { kid } of removed) await session.write(removeKey, [kid])
    for (const key of [...added, ...changed]) await put(key)
    const details = {
      added: namesOf(added),
      changed: namesOf(changed),
      removed: namesOf(removed),
    }
    await audit({ event: 'signing-keys.update', outcome: 'done', details })
  }

  return {
    list,
    update(change) {
      return session.transaction(async () => {
        await session.write(takeTurn)
        const before = await list()
        await replace(before, await change(before))
        const after = await list()
        await session.write(endTurn)
        return after
      })
    },
  }
}
