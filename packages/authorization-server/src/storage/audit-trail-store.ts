import { createAuditTrail, type Statement } from '@bestviable/mcp-auth-store-postgres'
import { limitOf } from './list-limit.js'
import type { StorageSession } from './session.js'
import type { AuditTrailStore } from './storage.js'

const listProviders: Statement = {
  name: 'mcp_auth_as_audit_providers',
  text: 'SELECT DISTINCT provider FROM {schema}.audit_events WHERE provider IS NOT NULL',
}

const listIssuers: Statement = {
  name: 'mcp_auth_as_audit_issuers',
  text: `SELECT DISTINCT actor_issuer AS issuer FROM {schema}.audit_events
    WHERE actor_subject = $1::text AND actor_issuer IS NOT NULL`,
}

// `$1` issuers and `$2` subjects of the person, `$3` whole texts, `$4` digests, `$5` the pseudonym.
const forgetPerson: Statement = {
  name: 'mcp_auth_as_audit_forget',
  text: `WITH found AS (
      SELECT id, EXISTS (SELECT 1 FROM unnest($1::text[], $2::text[]) AS known(issuer, subject)
          WHERE known.issuer = actor_issuer AND known.subject = actor_subject) AS is_actor,
        EXISTS (SELECT 1 FROM jsonb_each_text(details) AS held
          WHERE held.value = ANY($3::text[])) AS is_named,
        COALESCE(key_digest = ANY($4::bytea[]), false) AS is_owner
      FROM {schema}.audit_events
    ), changed AS (
      UPDATE {schema}.audit_events AS stored SET
        actor_subject = CASE WHEN is_actor THEN $5::text ELSE actor_subject END,
        key_digest = CASE WHEN is_owner THEN NULL ELSE key_digest END,
        details = CASE WHEN is_named THEN (
            SELECT jsonb_object_agg(held.key, CASE WHEN held.value #>> '{}' = ANY($3::text[])
              THEN to_jsonb($5::text) ELSE held.value END)
            FROM jsonb_each(details) AS held)
          ELSE details END
      FROM found WHERE stored.id = found.id AND (is_actor OR is_named OR is_owner)
      RETURNING 1
    )
    SELECT count(*) AS events FROM changed`,
}

/** Creates the view of the audit trail. */
export function createAuditTrailStore(session: StorageSession): AuditTrailStore {
  const { database } = session
  const trail = createAuditTrail(database)

  return {
    async list({ before, limit, subject, event } = {}) {
      const page = { after: before, limit: limitOf(limit), newestFirst: true }
      const records = await trail.list({ ...page, actor: subject, event })
      return records.map(({ id, at, event: name, outcome, reason, actor, details }) => ({
        id,
        at,
        event: name,
        outcome,
        reason,
        actor,
        details,
      }))
    },
    async credentialNames(subject) {
      const providers = await database.query(listProviders, [], { kind: 'maintenance' })
      const issuers = await database.query(listIssuers, [subject], { kind: 'maintenance' })
      return {
        providers: providers.map(({ provider }) => String(provider)),
        issuers: issuers.map(({ issuer }) => String(issuer)),
      }
    },
    async forget({ actors, texts, keyDigests }, pseudonym) {
      const values = [
        actors.map(({ issuer }) => issuer),
        actors.map(({ subject }) => subject),
        [...texts],
        keyDigests.map((digest) => Buffer.from(digest, 'base64url')),
        pseudonym,
      ]
      const [row] = await database.query(forgetPerson, values, { kind: 'maintenance' })
      return Number(row?.events)
    },
  }
}
