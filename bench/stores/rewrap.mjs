/*
 * CPU of putting records under another key, in this process and in the backend together: `rotateKeys`
 * against reading, re-encrypting and writing them by hand, in batches of the same size.
 */
import {
  createEnvelopeCodec,
  credentialContext,
  generateEncryptionKey,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase, registerKeys, rotateKeys } from '@bestviable/mcp-auth-store-postgres'
import pg from 'pg'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { interleave } from './interleave.mjs'
import { createBareCipher } from './seal-bare.mjs'
import { seedCredentials } from './seed-credentials.mjs'
import { ratioOf, typical } from './typical.mjs'

const RECORDS = effort(5000, 50)
const BATCH = effort(500, 20)
const ROUNDS = effort(7, 1)
const WARM_UP_ROUNDS = effort(2, 0)

const BARE = 'floor: SELECT, AES-GCM open and seal, UPDATE'
const REENCRYPT = 'SELECT, envelope open and seal, UPDATE'
const OURS = 'rotateKeys'

const codecFor = (...keys) =>
  createEnvelopeCodec({ keyProvider: localKeyProvider({ keys: keys.join() }) })

/** One table of names and sealed values, one key for all. */
async function createBareTable(client, { seal }) {
  await client.query('CREATE TABLE bare (name text PRIMARY KEY, sealed bytea NOT NULL)')
  for (let index = 0; index < RECORDS; index += 1) {
    const name = `user-${String(index).padStart(5, '0')}`
    await client.query('INSERT INTO bare VALUES ($1, $2)', [name, seal(name, 'x'.repeat(1024))])
  }
}

async function reencryptBare(client, from, to) {
  let last = ''
  for (;;) {
    const { rows } = await client.query({
      name: 'bare-page',
      text: 'SELECT name, sealed FROM bare WHERE name > $1 ORDER BY name LIMIT $2',
      values: [last, BATCH],
    })
    if (rows.length === 0) return
    const names = rows.map(({ name }) => name)
    const sealed = rows.map(({ name, sealed: old }) => to.seal(name, from.open(name, old)))
    await client.query({
      name: 'bare-update',
      text: 'UPDATE bare SET sealed = fresh.sealed FROM unnest($1::text[], $2::bytea[]) AS fresh (name, sealed) WHERE bare.name = fresh.name',
      values: [names, sealed],
    })
    last = names.at(-1)
  }
}

/** What somebody would write who has the codec and no `rewrap`. */
async function reencryptEnvelopes(client, codec) {
  let last = Buffer.alloc(0)
  for (;;) {
    const { rows } = await client.query({
      name: 'envelope-page',
      text: `SELECT key_digest, owner_issuer, owner_subject, version, key_id, wrapped_key, payload
        FROM mcp_auth.credentials WHERE key_digest > $1 ORDER BY key_digest LIMIT $2`,
      values: [last, BATCH],
    })
    if (rows.length === 0) return
    const columns = [[], [], [], [], []]
    for (const row of rows) {
      const owner = { kind: 'user', issuer: row.owner_issuer, subject: row.owner_subject }
      const context = credentialContext({
        store: 'postgres',
        namespace: 'default',
        key: { provider: 'coda', owner },
        version: row.version,
      })
      const wrappedKey = { keyId: row.key_id.toString('hex'), bytes: row.wrapped_key }
      const plaintext = await codec.open(context, { wrappedKey, payload: row.payload })
      const sealed = await codec.seal(context, plaintext)
      const keyId = Buffer.from(sealed.wrappedKey.keyId, 'hex')
      const values = [row.key_digest, row.version, keyId, sealed.wrappedKey.bytes, sealed.payload]
      for (const [column, value] of values.entries()) columns[column].push(value)
    }
    await client.query({
      name: 'envelope-update',
      text: `UPDATE mcp_auth.credentials AS stored
        SET key_id = fresh.key_id, wrapped_key = fresh.wrapped_key, payload = fresh.payload
        FROM unnest($1::bytea[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])
          AS fresh (key_digest, version, key_id, wrapped_key, payload)
        WHERE stored.namespace = 'default' AND stored.key_digest = fresh.key_digest
          AND stored.version = fresh.version`,
      values: columns,
    })
    last = rows.at(-1).key_digest
  }
}

export async function measureRewrap(postgres) {
  const connectionString = await postgres.createDatabase()
  const client = new pg.Client({ connectionString })
  await client.connect()
  const database = createDatabase({ connectionString })
  await database.ready()
  let key = generateEncryptionKey()
  await seedCredentials(client, codecFor(key), RECORDS)
  let cipher = createBareCipher()
  await createBareTable(client, cipher)

  const nextRing = () => {
    const next = generateEncryptionKey()
    const codec = codecFor(next, key)
    key = next
    return codec
  }
  const runs = {
    async [BARE]() {
      const next = createBareCipher()
      await reencryptBare(client, cipher, next)
      cipher = next
    },
    async [REENCRYPT]() {
      const codec = nextRing()
      await registerKeys(database, codec)
      await reencryptEnvelopes(client, codec)
    },
    async [OURS]() {
      const { rewrapped } = await rotateKeys(database, nextRing(), { batchSize: BATCH })
      if (rewrapped !== RECORDS) throw new Error(`rotateKeys rewrapped ${rewrapped} records`)
    },
  }

  let samples
  try {
    samples = await interleave(
      runs,
      { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS },
      async (run) => {
        const { client: own, backend } = await postgres.cpuWhile(run)
        // Every run finds tables without the dead rows of the one before.
        await client.query('VACUUM')
        return { client: own / RECORDS, backend: backend / RECORDS }
      },
    )
  } finally {
    await database.close()
    await client.end()
  }

  const totals = (label) => samples[label].map((each) => each.client + each.backend)
  const roles = { [BARE]: 'floor', [REENCRYPT]: 'peer', [OURS]: 'ours' }
  return measuredTable(
    'rewrap',
    `CPU of another key for one record, ${RECORDS} records in batches of ${BATCH}`,
    [
      ['process us', 1],
      ['backend us', 1],
      ['together us', 1],
      ['of the floor', 2],
      ['records a CPU second', 0],
    ],
    Object.keys(runs).map((label) => ({
      label,
      role: roles[label],
      values: [
        typical(samples[label].map((each) => each.client)),
        typical(samples[label].map((each) => each.backend)),
        typical(totals(label)),
        ratioOf(totals(label), totals(BARE)),
        1e6 / typical(totals(label)),
      ],
    })),
  )
}
