import { StoreIntegrityError } from '@bestviable/mcp-auth-middleware'
import type { SqlRow, Statement } from '@bestviable/mcp-auth-store-postgres'
import { openClient, removeClient } from './client-records.js'
import { documentClients, openDocumentClient } from './document-clients.js'
import { limitOf } from './list-limit.js'
import type { StorageSession } from './session.js'
import { isStorable } from './storable-text.js'
import type { ClientRecord, ClientStore } from './storage.js'

const COLUMNS = `version::text AS version, key_id, wrapped_key, payload, client_id, client_name, redirect_uris::text AS redirect_uris,
  grant_types::text AS grant_types, origin, active,
  floor(extract(epoch FROM created_at))::float8 AS created_at,
  floor(extract(epoch FROM last_used_at))::float8 AS last_used_at`

const findClient: Statement = {
  name: 'mcp_auth_as_client_find',
  text: `SELECT ${COLUMNS} FROM {schema}.oauth_clients WHERE client_id = $1::text`,
}

/** `$1` id, `$2` length, `$3` epoch seconds. Both halves by one order, which is that of the database. */
function selectListed(name: string, compare: '=' | '>'): Statement {
  return {
    name: `mcp_auth_as_client_${name}`,
    text: `(SELECT ${COLUMNS}, NULL::bytea AS facts_of FROM {schema}.oauth_clients
        WHERE client_id ${compare} $1::text ORDER BY oauth_clients.client_id LIMIT $2::int)
      UNION ALL (${documentClients(`granted.client_id ${compare} $1::text`)})
      ORDER BY client_id LIMIT $2::int`,
  }
}

const findListedClient = selectListed('find_listed', '=')
const listClients = selectListed('list', '>')

const touchClient: Statement = {
  name: 'mcp_auth_as_client_touch',
  text: `UPDATE {schema}.oauth_clients SET last_used_at = to_timestamp($2::float8)
    WHERE client_id = $1::text AND (last_used_at IS NULL
      OR last_used_at <= to_timestamp($2::float8) - interval '1 minute')`,
}

const activateClient: Statement = {
  name: 'mcp_auth_as_client_activate',
  text: `UPDATE {schema}.oauth_clients SET active = $2::boolean WHERE client_id = $1::text
    RETURNING 1 AS changed`,
}

const countDynamic: Statement = {
  name: 'mcp_auth_as_client_count',
  text: `SELECT count(*) AS clients FROM {schema}.oauth_clients WHERE origin = 'dynamic'`,
}

/** The time of `touchClient`: the statement decides, this spares most of them. */
const TOUCH_SECONDS = 60
const MOST_TOUCHED = 1000

function parseList(json: unknown): readonly string[] {
  const list: unknown = typeof json === 'string' ? JSON.parse(json) : undefined
  if (!Array.isArray(list)) throw new StoreIntegrityError('the stored client is damaged')
  return list.map(String)
}

const ORIGINS = ['registered', 'document'] as const

async function parseClient(session: StorageSession, row: SqlRow): Promise<ClientRecord> {
  const origin = ORIGINS.find((each) => each === row.origin) ?? 'dynamic'
  const { client_name: name, token_endpoint_auth_method: method } =
    origin === 'document' ? await openDocumentClient(session, row) : await openClient(session, row)
  const { last_used_at: lastUsedAt } = row
  const clientName = origin === 'document' ? name : row.client_name
  return {
    clientId: String(row.client_id),
    ...(typeof clientName === 'string' && { clientName }),
    redirectUris: parseList(row.redirect_uris),
    grantTypes: parseList(row.grant_types),
    origin,
    active: row.active === true,
    // RFC 7591 section 2 names the default.
    tokenEndpointAuthMethod: typeof method === 'string' ? method : 'client_secret_basic',
    createdAt: Number(row.created_at),
    ...(typeof lastUsedAt === 'number' && { lastUsedAt }),
  }
}

/** Creates the operators' view of clients. */
export function createClientStore(session: StorageSession): ClientStore {
  /** Epoch seconds of uses that this process has counted. */
  const touched = new Map<string, number>()

  return {
    async find(clientId) {
      if (!isStorable(clientId)) return undefined
      const [row] = await session.read(findClient, [clientId])
      return row && parseClient(session, row)
    },
    async findListed(clientId) {
      if (!isStorable(clientId)) return undefined
      const values = [clientId, 1, session.now() / 1000]
      const [row] = await session.read(findListedClient, values)
      return row && parseClient(session, row)
    },
    async list({ after = '', limit } = {}) {
      if (!isStorable(after)) return []
      const values = [after, limitOf(limit), session.now() / 1000]
      const rows = await session.read(listClients, values)
      return Promise.all(rows.map((row) => parseClient(session, row)))
    },
    async touch(clientId) {
      if (!isStorable(clientId)) return
      const now = session.now() / 1000
      if (Math.abs(now - (touched.get(clientId) ?? 0)) < TOUCH_SECONDS) return
      await session.write(touchClient, [clientId, now])
      if (touched.size >= MOST_TOUCHED) touched.clear()
      touched.set(clientId, now)
    },
    async setActive(clientId, active) {
      if (!isStorable(clientId)) return false
      return (await session.write(activateClient, [clientId, active])).length > 0
    },
    async remove(clientId) {
      if (!isStorable(clientId)) return false
      const [row] = await session.write(removeClient, [clientId])
      return Number(row?.removed) > 0
    },
    async countDynamic() {
      const [row] = await session.read(countDynamic)
      return Number(row?.clients)
    },
  }
}
