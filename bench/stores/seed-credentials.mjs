import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { credentialKeyId } from '@bestviable/mcp-auth-middleware'
import { credentialContext, formatCredential } from '@bestviable/mcp-auth-middleware/envelope'

const BATCH = 1000

/** Writes credentials of 1 KB straight into the table: a store would take a minute for 100,000. */
export async function seedCredentials(client, codec, count) {
  for (let start = 0; start < count; start += BATCH) {
    const columns = [[], [], [], [], [], []]
    for (let index = start; index < Math.min(start + BATCH, count); index += 1) {
      const owner = { kind: 'user', issuer: 'https://login.example.com', subject: `user-${index}` }
      const key = { provider: 'coda', owner }
      const version = randomUUID()
      const context = credentialContext({ store: 'postgres', namespace: 'default', key, version })
      const secret = randomBytes(512).toString('hex')
      const { wrappedKey, payload } = await codec.seal(
        context,
        formatCredential({ kind: 'api-key', secret }),
      )
      const digest = createHash('sha256').update(credentialKeyId(key)).digest()
      const keyId = Buffer.from(wrappedKey.keyId, 'hex')
      const row = [digest, owner.subject, version, keyId, wrappedKey.bytes, payload]
      for (const [column, value] of row.entries()) columns[column].push(value)
    }
    await client.query(
      `INSERT INTO mcp_auth.credentials (namespace, provider, owner_kind, owner_issuer, updated_at,
         key_digest, owner_subject, version, key_id, wrapped_key, payload)
       SELECT 'default', 'coda', 'user', 'https://login.example.com', now(), fresh.*
       FROM unnest($1::bytea[], $2::text[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[]) AS fresh`,
      columns,
    )
  }
  await client.query('VACUUM ANALYZE mcp_auth.credentials')
}
