import { createVersion } from '@bestviable/mcp-auth-middleware'
import { digestId, type SqlRow, type Statement } from '@bestviable/mcp-auth-store-postgres'
import type { AdapterPayload } from 'oidc-provider'
import { parseRecord } from './record-json.js'
import { recordKey } from './record-store.js'
import { sealJson } from './sealed-json.js'
import type { StorageSession } from './session.js'
import { isStorable, requireStorable, toStorable } from './storable-text.js'
import type { RecordStore } from './storage.js'

const NAME_LENGTH = 256
const ID_LENGTH = 2048

// A client that was switched off stays so, and one of an operator stays registered, when it is written
// again by a registration that is equal to its own.
const upsertClient: Statement = {
  name: 'mcp_auth_as_client_upsert',
  text: `INSERT INTO {schema}.oauth_clients AS stored (client_id, client_name, redirect_uris,
      grant_types, origin, created_at, version, key_id, wrapped_key, payload)
    VALUES ($1::text, $2::text, $3::jsonb, $4::jsonb, $5::text, to_timestamp($6::float8), $7::uuid,
      $8::bytea, $9::bytea, $10::bytea)
    ON CONFLICT (client_id) DO UPDATE SET client_name = excluded.client_name,
      redirect_uris = excluded.redirect_uris, grant_types = excluded.grant_types,
      origin = CASE WHEN stored.origin = 'registered' THEN stored.origin ELSE excluded.origin END,
      version = excluded.version, key_id = excluded.key_id, wrapped_key = excluded.wrapped_key,
      payload = excluded.payload`,
}

const findClient: Statement = {
  name: 'mcp_auth_as_client_load',
  text: `SELECT version::text AS version, key_id, wrapped_key, payload
    FROM {schema}.oauth_clients WHERE client_id = $1::text AND active`,
}

const DECOY = {
  client_name: 'Decoy',
  redirect_uris: ['https://decoy.example/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
  client_secret: 'x'.repeat(50),
}

/** `$1` client_id. Counts what was removed. */
export const removeClient: Statement = {
  name: 'mcp_auth_as_client_remove',
  text: `WITH tokens AS (
      DELETE FROM {schema}.oauth_tokens WHERE client_id = $1::text RETURNING 1
    ), clients AS (
      DELETE FROM {schema}.oauth_clients WHERE client_id = $1::text RETURNING 1
    )
    SELECT (SELECT count(*) FROM tokens) + (SELECT count(*) FROM clients) AS removed`,
}

function placeOf(clientId: string, version: string) {
  const idDigest = digestId(clientId)
  return { table: 'oauth_clients', kind: 'Client', idDigest, version } as const
}

/** Opens the metadata of a row with `client_id`, which is there whether the client is active or not. */
export async function openClient(
  { openAgain }: StorageSession,
  row: SqlRow,
): Promise<AdapterPayload> {
  const [id, version] = [String(row.client_id), String(row.version)]
  return parseRecord(await openAgain(placeOf(id, version), row), id, version)
}

function listOf(value: unknown): string {
  const texts = Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
  return JSON.stringify(texts.map((each) => toStorable(each, ID_LENGTH)))
}

/**
 * Creates the store of the model `Client` in the table `oauth_clients`. A payload whose member `origin`
 * is `registered` is one of an operator, every other one registered itself. What is not active is not
 * found.
 */
export function createClientRecords(session: StorageSession): RecordStore {
  const { codec } = session
  let decoy: Promise<SqlRow> | undefined

  async function sealDecoy(): Promise<SqlRow> {
    const [id, version] = ['decoy', createVersion()]
    const sealed = await sealJson(codec, placeOf(id, version), JSON.stringify(DECOY))
    const [keyId, wrappedKey, payload] = sealed
    return { client_id: id, version, key_id: keyId, wrapped_key: wrappedKey, payload }
  }

  /** Takes as long as finding a client, so that the time does not tell whether there is one. */
  async function findNothing(id: string): Promise<undefined> {
    // What is named by a document has no secret to guess.
    if (id.startsWith('https://')) return
    decoy ??= sealDecoy()
    await openClient(session, await decoy)
  }

  return {
    async upsert(id, payload) {
      requireStorable(id, 'a client id', ID_LENGTH)
      const version = createVersion()
      const { origin, ...metadata } = payload as AdapterPayload & { readonly origin?: unknown }
      const { client_name: name, grant_types: grantTypes, redirect_uris: redirectUris } = metadata
      const sealed = await sealJson(codec, placeOf(id, version), JSON.stringify(metadata))
      await session.write(upsertClient, [
        id,
        toStorable(typeof name === 'string' ? name : undefined, NAME_LENGTH),
        listOf(redirectUris),
        listOf(grantTypes),
        origin === 'registered' ? 'registered' : 'dynamic',
        session.now() / 1000,
        version,
        ...sealed,
      ])
    },

    async find(id) {
      // Clients send what they like.
      if (!isStorable(id, ID_LENGTH)) return undefined
      const { known } = session
      const key = recordKey('Client', Buffer.from(id))
      const [row] = known.has(key) ? [known.get(key)] : await session.read(findClient, [id])
      return row ? openClient(session, { ...row, client_id: id }) : findNothing(id)
    },

    async destroy(id) {
      if (isStorable(id, ID_LENGTH)) await session.write(removeClient, [id])
    },

    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    async replace() {
      throw new TypeError('a client cannot be replaced')
    },
    async consume() {
      throw new TypeError('a client cannot be consumed')
    },
    revokeByGrantId: async () => undefined,
  }
}
