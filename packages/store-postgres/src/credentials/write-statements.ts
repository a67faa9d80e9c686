import { bindStatement } from './bound-statement.js'

/** Parameters that name the row. */
type RowParameter = 'namespace' | 'digest' | 'provider' | 'ownerKind' | 'issuer' | 'subject'
/** Parameters of every write: where, when at the latest, and whom to tell. */
type WriteParameter = RowParameter | 'deadline' | 'channel' | 'notification'

const TIMELY = 'clock_timestamp() < to_timestamp({deadline}::float8)'
const THIS_ROW = 'namespace = {namespace}::text AND key_digest = {digest}::bytea'
const IDENTITY = 'namespace, key_digest, provider, owner_kind, owner_issuer, owner_subject'
const IDENTITY_VALUES =
  '{namespace}::text, {digest}::bytea, {provider}::text, {ownerKind}::text, {issuer}::text, {subject}::text'

/** Also repairs the identity of a row that was swapped. */
const SET_IDENTITY = `provider = {provider}::text, owner_kind = {ownerKind}::text,
  owner_issuer = {issuer}::text, owner_subject = {subject}::text`
const SET_STAMP = `version = {version}::uuid, updated_at = to_timestamp({updatedAt}::float8),
  changed_at = clock_timestamp()`
const SET_SEALED = `${SET_IDENTITY}, ${SET_STAMP}, key_id = decode({keyId}::text, 'hex'),
  wrapped_key = {wrappedKey}::bytea, payload = {payload}::bytea`
const SET_TOMBSTONE = `${SET_IDENTITY}, ${SET_STAMP}, key_id = NULL, wrapped_key = NULL, payload = NULL`

const INSERT_SEALED = `INSERT INTO {schema}.credentials AS stored
    (${IDENTITY}, version, updated_at, key_id, wrapped_key, payload)
  SELECT ${IDENTITY_VALUES}, {version}::uuid, to_timestamp({updatedAt}::float8),
    decode({keyId}::text, 'hex'), {wrappedKey}::bytea, {payload}::bytea
  WHERE ${TIMELY}`

/** Waits for a writer that has the row now, then holds it: what is decided here stays true. */
const HELD = `held AS MATERIALIZED (
    SELECT version, key_id IS NOT NULL AS live FROM {schema}.credentials
    WHERE ${THIS_ROW} FOR UPDATE
  )`
const IS_HELD = 'EXISTS (SELECT 1 FROM held)'
const FITS =
  'EXISTS (SELECT 1 FROM held WHERE {ifVersion}::uuid IS NULL OR version = {ifVersion}::uuid)'
const HELD_OUTCOME = `(SELECT CASE WHEN live THEN 'done' ELSE 'absent' END FROM held)`
const HELD_VERSION = '(SELECT version::text FROM held WHERE live)'

function audit(event: string, details: string): string {
  return `audited AS (
    INSERT INTO {schema}.audit_events
      (event, outcome, reason, store, namespace, provider, owner_kind, key_digest, version, details)
    SELECT '${event}', CASE outcome WHEN 'conflict' THEN 'failed' ELSE outcome END,
      CASE outcome WHEN 'conflict' THEN 'ERR_STORE_CONFLICT' END, 'postgres', {namespace}::text,
      {provider}::text, {ownerKind}::text, {digest}::bytea,
      version, ${details}
    FROM result WHERE outcome IN ('done', 'absent', 'conflict')
  )`
}

function answer(notifies: boolean): string {
  // NOTIFY is part of the transaction: nobody is told of a write that was rolled back.
  const notify = notifies
    ? ', CASE WHEN changed THEN pg_notify({channel}::text, {notification}::text)::text END AS notified'
    : ''
  return `SELECT outcome, version, extract(epoch FROM clock_timestamp())::float8 AS clock${notify}
  FROM result`
}

function nameOf(action: string, notifies: boolean): string {
  return `mcp_auth_credential_${action}${notifies ? '_notify' : ''}`
}

function put<Name extends string>(action: string, written: string, notifies: boolean) {
  return bindStatement<
    WriteParameter | 'version' | 'updatedAt' | 'keyId' | 'wrappedKey' | 'payload' | Name
  >(
    nameOf(action, notifies),
    `WITH written AS (${written} RETURNING 1),
  result AS MATERIALIZED (
    SELECT CASE WHEN changed THEN 'done' WHEN ${TIMELY} THEN 'conflict' ELSE 'late' END AS outcome,
      changed, CASE WHEN changed THEN {version}::uuid::text END AS version
    FROM (SELECT EXISTS (SELECT 1 FROM written) AS changed) AS done
  ),
  ${audit('credential.write', 'NULL')}
  ${answer(notifies)}`,
  )
}

const DELETE = `WITH ${HELD},
  removed AS (
    DELETE FROM {schema}.credentials WHERE ${THIS_ROW} AND ${TIMELY} AND ${FITS} RETURNING 1
  ),
  result AS MATERIALIZED (
    SELECT CASE WHEN changed THEN ${HELD_OUTCOME} WHEN NOT ${IS_HELD} THEN 'absent'
      WHEN ${TIMELY} THEN 'conflict' ELSE 'late' END AS outcome,
      changed, CASE WHEN changed THEN ${HELD_VERSION} END AS version
    FROM (SELECT EXISTS (SELECT 1 FROM removed) AS changed) AS done
  ),
  noted AS (
    INSERT INTO {schema}.credential_deletions (namespace, key_digest)
    SELECT {namespace}::text, {digest}::bytea FROM result WHERE changed
  ),
  pruned AS (
    DELETE FROM {schema}.credential_deletions WHERE id IN (
      SELECT id FROM {schema}.credential_deletions WHERE deleted_at < now() - interval '1 hour'
      ORDER BY deleted_at LIMIT 100 FOR UPDATE SKIP LOCKED
    )
  ),
  ${audit('credential.delete', 'NULL')}`

// The insert may meet a row that was not there when the statement began: that row was not looked at,
// so that it is left alone and the statement is run again.
const BURY = `WITH ${HELD},
  written AS (
    INSERT INTO {schema}.credentials AS stored (${IDENTITY}, version, updated_at)
    SELECT ${IDENTITY_VALUES}, {version}::uuid, to_timestamp({updatedAt}::float8)
    -- The order counts: looking at the row may take until the deadline.
    WHERE CASE WHEN ${FITS} OR NOT ${IS_HELD} THEN ${TIMELY} ELSE false END
    ON CONFLICT (namespace, key_digest) DO UPDATE SET ${SET_TOMBSTONE}
      WHERE ${TIMELY} AND ${IS_HELD}
    RETURNING 1
  ),
  result AS MATERIALIZED (
    SELECT CASE WHEN changed THEN COALESCE(${HELD_OUTCOME}, 'absent') WHEN NOT ${TIMELY} THEN 'late'
      WHEN ${IS_HELD} THEN 'conflict' ELSE 'raced' END AS outcome,
      changed, CASE WHEN changed THEN ${HELD_VERSION} END AS version
    FROM (SELECT EXISTS (SELECT 1 FROM written) AS changed) AS done
  ),
  ${audit('credential.delete', `'{"tombstone":true}'::jsonb`)}`

/**
 * The statements that write. Each decides its condition, changes the row, writes the audit event and
 * tells other processes in one round trip and one transaction. Its column `outcome` answers
 * - `done`;
 * - `absent`: a delete found no credential. What else it should leave or remove, it did;
 * - `conflict`: another version is stored, or something is stored. Nothing was changed;
 * - `late`: it arrived after its deadline. Nothing was changed;
 * - `raced`: the row appeared while it ran. Nothing was changed; it can be run again.
 */
export function createWriteStatements(notifies: boolean) {
  return {
    put: put<never>(
      'put',
      `${INSERT_SEALED}
    ON CONFLICT (namespace, key_digest) DO UPDATE SET ${SET_SEALED} WHERE ${TIMELY}`,
      notifies,
    ),
    putIfAbsent: put<never>(
      'put_absent',
      `${INSERT_SEALED} ON CONFLICT (namespace, key_digest) DO NOTHING`,
      notifies,
    ),
    putIfVersion: put<'ifVersion'>(
      'put_version',
      `UPDATE {schema}.credentials SET ${SET_SEALED}
    WHERE ${THIS_ROW} AND version = {ifVersion}::uuid AND ${TIMELY}`,
      notifies,
    ),
    remove: bindStatement<WriteParameter | 'ifVersion'>(
      nameOf('delete', notifies),
      `${DELETE} ${answer(notifies)}`,
    ),
    bury: bindStatement<WriteParameter | 'version' | 'updatedAt' | 'ifVersion'>(
      nameOf('tombstone', notifies),
      `${BURY} ${answer(notifies)}`,
    ),
  }
}
