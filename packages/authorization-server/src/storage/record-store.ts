import { createVersion, StoreIntegrityError } from '@bestviable/mcp-auth-middleware'
import { digestId, type SqlRow, type SqlValue } from '@bestviable/mcp-auth-store-postgres'
import type { AdapterPayload } from 'oidc-provider'
import { AlreadyConsumedError } from './already-consumed.js'
import type { RecordIds } from './record-ids.js'
import { formatRecord, parseRecord } from './record-json.js'
import {
  consumeRecord,
  destroyRecord,
  findRecord,
  findRecordByUid,
  findRecordByUserCode,
  HELD_USER,
  lockRecord,
  revokeGrant,
} from './record-statements.js'
import { openJson, sealJson } from './sealed-json.js'
import type { StorageSession } from './session.js'
import { isStorable } from './storable-text.js'
import type { RecordStore } from './storage.js'
import { type NewRecord, replaceRecord } from './write-records.js'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** What resource servers ask about at each of their requests. */
const ASKED_AGAIN = ['AccessToken', 'ClientCredentials', 'Grant']
const ISSUED = ['AccessToken', 'RefreshToken']

function toColumn(value: unknown): string | null {
  return typeof value === 'string' && isStorable(value) ? value : null
}

function toDigest(value: unknown): Uint8Array | null {
  return typeof value === 'string' && value !== '' ? digestId(value) : null
}

/** Names a record of any model in `StorageSession.known`. */
export function recordKey(model: string, digest: Uint8Array): string {
  return `${model} ${Buffer.from(digest).toString('base64url')}`
}

/** Key of `StorageSession.known` of a user that is held. */
export function heldUserKey(userId: string): string {
  return recordKey(HELD_USER, Buffer.from(userId.toLowerCase()))
}

function heldUserOf({ payload }: SqlRow): SqlRow {
  if (!(payload instanceof Uint8Array)) throw new StoreIntegrityError('the user was not returned')
  return JSON.parse(new TextDecoder().decode(payload)) as SqlRow
}

/** Locks a record until the end of the transaction, which knows it and what belongs to it from then on. */
export async function lockRecordOf(
  session: StorageSession,
  model: string,
  digest: Uint8Array,
  modelOfUser: string | undefined,
): Promise<void> {
  const values = [model, digest, session.now() / 1000, modelOfUser ?? null]
  const rows = await session.write(lockRecord, values)
  for (const row of rows) {
    const { token_type: type, token_id: id } = row
    if (!(id instanceof Uint8Array)) continue
    session.known.set(recordKey(String(type), id), type === HELD_USER ? heldUserOf(row) : row)
  }
}

/** Creates the store of one model in the table `oauth_tokens`. */
export function createRecordStore(
  session: StorageSession,
  model: string,
  ids: RecordIds,
): RecordStore {
  const { codec, openAgain } = session
  const isAskedAgain = ASKED_AGAIN.includes(model)
  const seconds = () => session.now() / 1000
  /** Rows that a transaction knows are asked for more than once. */
  const opened = new WeakMap<SqlRow, Promise<string>>()

  function placeOf(idDigest: Uint8Array, version: string) {
    return { table: 'oauth_tokens', kind: model, idDigest, version } as const
  }

  async function open(row: SqlRow | undefined, id?: string): Promise<AdapterPayload | undefined> {
    if (row === undefined) return undefined
    const { token_id: digest, consumed } = row
    const version = String(row.version)
    if (!(digest instanceof Uint8Array)) throw new StoreIntegrityError('the record has no id')
    const place = placeOf(digest, version)
    const json =
      opened.get(row) ?? (isAskedAgain ? openAgain(place, row) : openJson(codec, place, row))
    opened.set(row, json)
    const payload = parseRecord(await json, id ?? ids.handle(digest), version)
    return typeof consumed === 'number' ? { ...payload, consumed } : payload
  }

  async function recordOf(
    id: string,
    payload: AdapterPayload,
    expiresIn: number | undefined,
  ): Promise<NewRecord> {
    const [version, now] = [createVersion(), seconds()]
    const digest = ids.digest(id)
    const { consumed, ...members } = payload
    const json = formatRecord(members, id, version)
    const sealed = await sealJson(codec, placeOf(digest, version), json)
    const { accountId, clientId, grantId, uid, userCode } = members
    // An interaction only remembers a grant; its end would take a sign-in away from under a person.
    const isOfGrant = model !== 'Interaction'
    const isIssued = ISSUED.includes(model) && UUID.test(String(accountId))
    const values: SqlValue[] = [
      model,
      digest,
      toColumn(clientId),
      toColumn(accountId),
      isOfGrant ? toDigest(grantId) : null,
      toDigest(uid),
      toDigest(userCode),
      expiresIn === undefined ? null : now + expiresIn,
      typeof consumed === 'number' ? consumed : null,
      now,
      version,
      ...sealed,
    ]
    const activeUser = isIssued ? String(accountId) : undefined
    return { kind: 'new', key: recordKey(model, digest), values, activeUser }
  }

  return {
    async upsert(id, payload, expiresIn) {
      await session.put(await recordOf(id, payload, expiresIn))
    },

    async replace(from, id, payload, expiresIn) {
      const { values } = await recordOf(id, payload, expiresIn)
      return (await session.write(replaceRecord, [...values, ids.digest(from)])).length > 0
    },

    async find(id) {
      const digest = ids.digest(id)
      const { known } = session
      const key = recordKey(model, digest)
      if (known.has(key)) return open(known.get(key), id)
      const [row] = await session.read(findRecord, [model, digest, seconds()])
      return open(row, id)
    },

    async findByUid(uid) {
      const [row] = await session.read(findRecordByUid, [model, digestId(uid), seconds()])
      const payload = await open(row)
      // The column is open and can be moved to another record; the member is sealed.
      return payload?.uid === uid ? payload : undefined
    },

    async findByUserCode(userCode) {
      const [row] = await session.read(findRecordByUserCode, [model, digestId(userCode), seconds()])
      const payload = await open(row)
      return payload?.userCode === userCode ? payload : undefined
    },

    async consume(id) {
      const digest = ids.digest(id)
      const values = [model, digest, seconds()]
      const key = recordKey(model, digest)
      const known = session.known.get(key)
      // Nobody else can use what this transaction has locked.
      if (known?.is_locked === true && known.consumed === null)
        return session.put({ kind: 'spent', key, values })
      const rows = await session.write(consumeRecord, values, key)
      if (rows.length === 0) throw new AlreadyConsumedError(model)
    },

    async destroy(id) {
      await session.write(destroyRecord, [model, ids.digest(id)])
    },

    async revokeByGrantId(grantId) {
      await session.write(revokeGrant, [digestId(grantId)])
    },
  }
}
