import {
  insertAuditEntries,
  type Queryable,
  type Statement,
} from '@bestviable/mcp-auth-store-postgres'
import { createAuditTrailStore } from './audit-trail-store.js'
import { cleanUp } from './clean-up.js'
import { createClientRecords } from './client-records.js'
import { createClientStore } from './client-store.js'
import { createGrantStore } from './grant-store.js'
import { createRecordIds } from './record-ids.js'
import { lockClient } from './record-statements.js'
import { createRecordStore, lockRecordOf } from './record-store.js'
import { createRevocationStore } from './revocation-store.js'
import { createSession } from './session.js'
import { createSigningKeyStore } from './signing-key-store.js'
import { createSingleUse } from './single-use.js'
import type { AuditInput, RecordStore, Storage } from './storage.js'
import { parseStorageOptions, type StorageOptions } from './storage-options.js'
import { readTokenFamily } from './token-family.js'
import { createUserStore } from './user-store.js'

const MODEL = /^[A-Za-z][A-Za-z0-9]{0,63}$/

// Every table that the authorization server reads at a request.
const checkTables: Statement = {
  name: 'mcp_auth_as_check',
  text: `SELECT (SELECT count(*) FROM (SELECT 1 FROM {schema}.oauth_tokens LIMIT 1) AS tokens)
    + (SELECT count(*) FROM (SELECT 1 FROM {schema}.oauth_clients LIMIT 1) AS clients)
    + (SELECT count(*) FROM (SELECT 1 FROM {schema}.user_profiles LIMIT 1) AS users)
    + (SELECT count(*) FROM (SELECT 1 FROM {schema}.signing_keys LIMIT 1) AS keys)
    + (SELECT count(*) FROM (SELECT 1 FROM {schema}.revocations LIMIT 1) AS revocations) AS rows`,
}

/**
 * Creates the storage of the authorization server in the schema of a database, beside the credentials.
 *
 * Codes, tokens, grants and sessions are found by the SHA-256 of their id, which stands nowhere else;
 * payloads, client metadata and signing keys are sealed in this process under the encryption keys of
 * the database. User profiles, client names and redirect URIs, owners and times are plain columns. It
 * connects with the first call, which also checks the keys. Statements have the deadlines of the
 * database: 2 s to read, 5 s for a write or a whole transaction.
 *
 * On an embedded database, inside of `transaction`, call nothing else that uses the same database: it
 * has one session, which the transaction holds.
 *
 * @throws {@link ConfigurationError} at once, listing every bad option. The first call, and every other
 *   one until it is mended, rejects with one when the database holds records under other keys.
 */
export function createStorage(options: StorageOptions): Storage {
  const { database, codec, now } = parseStorageOptions(options)
  const session = createSession(database, codec, now)
  const idsOf = createRecordIds()
  const stores = new Map<string, RecordStore>()
  const watches = new Set<() => void>()

  const queryable: Queryable = {
    query: (statement, values) => session.write(statement, values),
  }

  function audit({ event, outcome, reason, actor, details }: AuditInput): Promise<void> {
    const entry = { event, outcome, reason, actor, details, at: now() }
    return insertAuditEntries(queryable, [{ ...entry, store: 'authorization-server' }])
  }

  function records(model: string): RecordStore {
    const known = stores.get(model)
    if (known !== undefined) return known
    if (!MODEL.test(model)) throw new TypeError('a model has 1 to 64 letters and digits')
    const store =
      model === 'Client'
        ? createClientRecords(session)
        : createRecordStore(session, model, idsOf(model))
    stores.set(model, store)
    return store
  }

  const revocations = createRevocationStore(session, watches)

  return Object.freeze({
    transaction: (run) => session.transaction(run),
    afterCommit: (run) => session.afterCommit(run),
    records,
    async lock(model, id, { modelOfUser } = {}) {
      if (!session.isInTransaction) throw new TypeError('a lock needs a transaction')
      if (model === 'Client') await session.write(lockClient, [id])
      else await lockRecordOf(session, model, idsOf(model).digest(id), modelOfUser)
    },
    async withToken(family, run) {
      if (session.isInTransaction) return run()
      return session.knowing(await readTokenFamily(session, family), run)
    },
    useOnce: createSingleUse(session),
    users: createUserStore(session, audit),
    clients: createClientStore(session),
    grants: createGrantStore(session, revocations),
    auditTrail: createAuditTrailStore(session),
    signingKeys: createSigningKeyStore(session, audit),
    revocations,
    audit,
    cleanUp: (cleanUpOptions) => cleanUp(session, cleanUpOptions),
    async check() {
      await session.check()
      await session.read(checkTables)
    },
    async close() {
      for (const stop of [...watches]) stop()
      session.close()
    },
  } satisfies Storage)
}
