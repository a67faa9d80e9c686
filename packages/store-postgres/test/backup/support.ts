import { createHash } from 'node:crypto'
import { type CredentialKey, createVersion, credentialKeyId } from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  credentialContext,
  formatCredential,
  generateEncryptionKey,
  localKeyProvider,
  parseCredential,
} from '@bestviable/mcp-auth-middleware/envelope'
import type { Database, SqlRow, Statement } from '../../src/database/database.js'

/** Makes a statement of one test. */
export function sql(text: string): Statement {
  return { name: 'backup_test', text }
}

const INSERT = sql(`INSERT INTO {schema}.credentials (namespace, key_digest, provider, owner_kind,
    owner_issuer, owner_subject, version, key_id, wrapped_key, payload, updated_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`)
const READ = sql('SELECT * FROM {schema}.credentials WHERE key_id IS NOT NULL')
const WRITE = { kind: 'maintenance' } as const

/** What a database of the tests is filled with: sealed canaries under one key. */
export function createContents() {
  const codec = createEnvelopeCodec({
    keyProvider: localKeyProvider({ keys: generateEncryptionKey() }),
  })

  async function addCredential(
    database: Database,
    namespace: string,
    key: CredentialKey,
    secret: string | undefined,
  ): Promise<void> {
    const version = createVersion()
    const { owner, provider } = key
    const isUser = owner.kind === 'user'
    const envelope =
      secret === undefined
        ? undefined
        : await codec.seal(
            credentialContext({ store: 'postgres', namespace, key, version }),
            formatCredential({ kind: 'api-key', secret }),
          )
    await database.query(
      INSERT,
      [
        namespace,
        createHash('sha256').update(credentialKeyId(key)).digest(),
        provider,
        owner.kind,
        isUser ? owner.issuer : null,
        isUser ? owner.subject : null,
        version,
        envelope === undefined ? null : Buffer.from(envelope.wrappedKey.keyId, 'hex'),
        envelope?.wrappedKey.bytes ?? null,
        envelope?.payload ?? null,
        new Date(1_780_000_000_123),
      ],
      WRITE,
    )
  }

  return {
    addCredential,
    /** Credentials of two namespaces, a tombstone, a lease, a key check and audit events. */
    async fill(database: Database, users: number): Promise<void> {
      const issuer = 'https://login.example/"quoted"'
      await addCredential(
        database,
        'one',
        { provider: 'coda', owner: { kind: 'service' } },
        'canary-service',
      )
      for (let index = 0; index < users; index += 1) {
        const subject = `user ${index} \u2028 é 🔑 \\ '; DROP TABLE x;--`
        await addCredential(
          database,
          index % 3 === 0 ? 'two' : 'one',
          { provider: 'coda', owner: { kind: 'user', issuer, subject } },
          `canary-${index}`,
        )
      }
      const tombstone = { provider: 'gone', owner: { kind: 'service' } } as const
      await addCredential(database, 'one', tombstone, undefined)
      await database.query(
        sql(`INSERT INTO {schema}.leases (namespace, key_digest, holder, expires_at)
          VALUES ('one', '\\x00', gen_random_uuid(), clock_timestamp())`),
        [],
        WRITE,
      )
      await database.query(
        sql(`INSERT INTO {schema}.encryption_keys (key_id, check_wrapped, check_payload)
          VALUES ('\\x0102030405060708', '\\x01', '\\x02')`),
        [],
        WRITE,
      )
      await database.query(
        sql(`INSERT INTO {schema}.audit_events (event, outcome, namespace, key_digest, details)
          VALUES ('credential.write', 'written', 'one', '\\xff', '{"a": ["x", 12345678901234567890]}'),
            ('credential.read', 'found', 'two', NULL, NULL), ('key.rotate', 'done', NULL, NULL, NULL)`),
        [],
        WRITE,
      )
    },
    /** Opens every credential and returns the secrets, sorted. */
    async openAll(database: Database): Promise<string[]> {
      const rows = await database.query(READ, [], WRITE)
      const secrets = await Promise.all(
        rows.map(async (row) => {
          const owner =
            row.owner_kind === 'user'
              ? {
                  kind: 'user' as const,
                  issuer: String(row.owner_issuer),
                  subject: String(row.owner_subject),
                }
              : { kind: 'service' as const }
          const plaintext = await codec.open(
            credentialContext({
              store: 'postgres',
              namespace: String(row.namespace),
              key: { provider: String(row.provider), owner },
              version: String(row.version),
            }),
            {
              wrappedKey: {
                keyId: bytesOf(row, 'key_id').toString('hex'),
                bytes: bytesOf(row, 'wrapped_key'),
              },
              payload: bytesOf(row, 'payload'),
            },
          )
          return parseCredential(plaintext).secret
        }),
      )
      return secrets.sort()
    },
  }
}

function bytesOf(row: SqlRow, name: string): Buffer {
  const value = row[name]
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} holds no bytes`)
  return Buffer.from(value)
}

/** Reads an export to its end. */
export async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

/** Hands chunks to an import. */
export async function* chunks(...values: readonly (string | Uint8Array)[]) {
  yield* values
}

/** Lines that say what the rows are: all but the header and, since it has a digest of it, the footer. */
export function rowLines(lines: readonly string[]): string[] {
  return lines.slice(1, -1)
}
