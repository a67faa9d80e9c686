import { StoreIntegrityError, StoreInvalidError } from '@bestviable/mcp-auth-middleware'
import type { SqlRow, Statement } from '@bestviable/mcp-auth-store-postgres'
import {
  findGrant,
  grantKeysOfClient,
  grantKeysOfUser,
  listGrants,
  listGrantsOfBoth,
  listGrantsOfClient,
  listGrantsOfUser,
  lockRecordsOfClient,
  lockRecordsOfUser,
  removeGrants,
  removeRecordsOfClient,
  removeRecordsOfGrants,
  removeRecordsOfUser,
} from './grant-statements.js'
import { limitOf } from './list-limit.js'
import { parseRecord } from './record-json.js'
import { openJson } from './sealed-json.js'
import type { StorageSession } from './session.js'
import { isStorable } from './storable-text.js'
import type { GrantRecord, GrantStore, RevocationStore } from './storage.js'
import { lockUser } from './user-statements.js'

const KEY = /^[0-9a-f]{64}$/
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function keyOf(digest: unknown): string {
  if (!(digest instanceof Uint8Array)) throw new StoreIntegrityError('the grant has no id')
  return Buffer.from(digest).toString('hex')
}

/** Creates the view of grants, with which operators and their users end them. */
export function createGrantStore(
  session: StorageSession,
  revocations: RevocationStore,
): GrantStore {
  const { codec } = session

  async function openPart(row: SqlRow, kind: 'Grant' | 'ConsentFacts', prefix: string) {
    const digest = row.token_id
    const version = String(row[`${prefix}version`])
    if (!(digest instanceof Uint8Array)) throw new StoreIntegrityError('the grant has no id')
    const place = { table: 'oauth_tokens', kind, idDigest: digest, version } as const
    const part = {
      key_id: row[`${prefix}key_id`],
      wrapped_key: row[`${prefix}wrapped_key`],
      payload: row[`${prefix}payload`],
    }
    return parseRecord(await openJson(codec, place, part), keyOf(digest), version)
  }

  async function parseGrant(row: SqlRow): Promise<GrantRecord> {
    const payload = await openPart(row, 'Grant', '')
    const facts =
      row.facts_version === null ? undefined : await openPart(row, 'ConsentFacts', 'facts_')
    return {
      grantKey: keyOf(row.token_id),
      userId: textOf(row.user_id),
      clientId: textOf(row.client_id),
      clientName: textOf(row.client_name),
      payload,
      facts: facts?.facts,
      createdAt: Number(row.created_at),
      lastUsedAt: numberOf(row.last_used_at),
      expiresAt: numberOf(row.expires_at),
    }
  }

  async function end(keys: readonly string[], expiresAt: number): Promise<number> {
    if (keys.length === 0) return 0
    const digests = keys.map((key) => Buffer.from(key, 'hex'))
    const [kept] = await session.write(removeRecordsOfGrants, [digests])
    const [grants] = await session.write(removeGrants, [digests])
    await revocations.add(keys.map((id) => ({ kind: 'grant', id, expiresAt })))
    return Number(kept?.records) + Number(grants?.records)
  }

  function requireTransaction(): void {
    if (!session.isInTransaction) throw new TypeError('a lock needs a transaction')
  }

  async function collect(statement: Statement, id: string): Promise<readonly string[]> {
    return (await session.write(statement, [id])).map((row) => keyOf(row.grant_key))
  }

  return {
    async find(grantKey) {
      if (!KEY.test(grantKey)) return undefined
      const digest = Buffer.from(grantKey, 'hex')
      const [row] = await session.read(findGrant, [session.now() / 1000, digest])
      return row && parseGrant(row)
    },

    async list({ userId, clientId, after, limit } = {}) {
      if (after !== undefined && !KEY.test(after)) {
        throw new StoreInvalidError('after must name a connection')
      }
      const asked = [userId, clientId].filter((each) => each !== undefined)
      if (!asked.every((each) => isStorable(each))) return []
      const statement =
        asked.length === 2
          ? listGrantsOfBoth
          : userId !== undefined
            ? listGrantsOfUser
            : clientId !== undefined
              ? listGrantsOfClient
              : listGrants
      const start = Buffer.from(after ?? '', 'hex')
      const values = [session.now() / 1000, start, limitOf(limit), ...asked]
      return Promise.all((await session.read(statement, values)).map(parseGrant))
    },

    async lockOfUser(userId) {
      requireTransaction()
      if (UUID.test(userId)) await session.write(lockRecordsOfUser, [userId])
    },

    async lockOfClient(clientId) {
      requireTransaction()
      if (isStorable(clientId)) await session.write(lockRecordsOfClient, [clientId])
    },

    revoke(grantKey, expiresAt) {
      return session.transaction(async () =>
        KEY.test(grantKey) ? (await end([grantKey], expiresAt)) > 0 : false,
      )
    },

    revokeByUser(userId, expiresAt) {
      return session.transaction(async () => {
        if (!UUID.test(userId)) return 0
        // The records before the user, which is the order of a request that uses one of them.
        await session.write(lockRecordsOfUser, [userId])
        await session.write(lockUser, [userId])
        const keys = await collect(grantKeysOfUser, userId)
        await session.write(removeRecordsOfUser, [userId])
        await end(keys, expiresAt)
        return keys.length
      })
    },

    revokeByClient(clientId, expiresAt) {
      return session.transaction(async () => {
        if (!isStorable(clientId)) return 0
        await session.write(lockRecordsOfClient, [clientId])
        const keys = await collect(grantKeysOfClient, clientId)
        await session.write(removeRecordsOfClient, [clientId])
        await end(keys, expiresAt)
        return keys.length
      })
    },
  }
}
