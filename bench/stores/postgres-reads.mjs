/*
 * CPU of reading one credential of 1 KB from PostgreSQL, in this process and in the backend together:
 * through the store with its default options (TLS aside), and by the least code that reads an encrypted
 * value. One row after the other over 1000 rows, on TCP. The default of the audit trail, the first read
 * per minute of each key, is part of it: its clock runs while the store is measured and stands still
 * while the others are, so that their turns do not add events.
 */
import { randomBytes } from 'node:crypto'
import { cachedTokenStore } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import pg from 'pg'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { interleave } from './interleave.mjs'
import { createBareCipher } from './seal-bare.mjs'
import { ratioOf, typical } from './typical.mjs'

const ROWS = effort(1000, 20)
const SLICE = effort(250, 10)
/** Slices in one turn of the cache, whose reads take a microsecond: less is lost in the clock of the CPU. */
const CACHED_PASSES = effort(80, 1)
const ROUNDS = effort(60, 2)
const WARM_UP_ROUNDS = effort(8, 1)

const FLOOR = 'floor: prepared SELECT, one AES-GCM open'
const POOL = 'the same through a Pool'
const PGCRYPTO = 'pgcrypto pgp_sym_decrypt'
const OURS = 'postgresTokenStore'
const CACHED = 'postgresTokenStore, cached'
const ROLES = {
  [FLOOR]: 'floor',
  [POOL]: 'floor',
  [PGCRYPTO]: 'peer',
  [OURS]: 'ours',
  [CACHED]: 'ours',
}

async function fillBareTables(client, secrets, cipher, passphrase) {
  await client.query(`CREATE EXTENSION pgcrypto;
    CREATE TABLE bare (name text PRIMARY KEY, sealed bytea NOT NULL);
    CREATE TABLE pgp (name text PRIMARY KEY, sealed bytea NOT NULL)`)
  for (const [name, secret] of secrets) {
    await client.query('INSERT INTO bare VALUES ($1, $2)', [name, cipher.seal(name, secret)])
    await client.query(
      "INSERT INTO pgp VALUES ($1, pgp_sym_encrypt($2, $3, 'cipher-algo=aes256'))",
      [name, secret, passphrase],
    )
  }
  await client.query('VACUUM ANALYZE')
}

export async function measurePostgresReads(postgres) {
  const connectionString = await postgres.createDatabase()
  const client = new pg.Client({ connectionString })
  const pool = new pg.Pool({ connectionString, max: 5 })
  await client.connect()
  const clock = { time: Date.now() }
  const store = postgresTokenStore({
    connectionString,
    encryptionKeys: generateEncryptionKey(),
    now: () => clock.time,
  })
  const cached = cachedTokenStore(store, { maxEntries: ROWS, ttlSeconds: 3600 })

  const names = Array.from({ length: ROWS }, (_, index) => `user-${index}`)
  const secrets = new Map(names.map((name) => [name, randomBytes(512).toString('hex')]))
  const keyOf = (name) => ({
    provider: 'coda',
    owner: { kind: 'user', issuer: 'https://login.example.com', subject: name },
  })
  const keys = new Map(names.map((name) => [name, keyOf(name)]))
  for (const [name, secret] of secrets) {
    await store.set(keys.get(name), { kind: 'api-key', secret })
  }
  const cipher = createBareCipher()
  const passphrase = randomBytes(32).toString('base64')
  await fillBareTables(client, secrets, cipher, passphrase)

  const bare = { name: 'bare', text: 'SELECT sealed FROM bare WHERE name = $1' }
  const pgp = {
    name: 'pgp',
    text: 'SELECT pgp_sym_decrypt(sealed, $2) AS secret FROM pgp WHERE name = $1',
  }
  const readBare = (queryable) => async (name) => {
    const { rows } = await queryable.query({ ...bare, values: [name] })
    return cipher.open(name, rows[0].sealed)
  }
  const reads = {
    [FLOOR]: readBare(client),
    [POOL]: readBare(pool),
    [PGCRYPTO]: async (name) =>
      (await client.query({ ...pgp, values: [name, passphrase] })).rows[0].secret,
    [OURS]: async (name) => (await store.get(keys.get(name))).secret,
    [CACHED]: async (name) => (await cached.get(keys.get(name))).secret,
  }

  const positions = Object.fromEntries(Object.keys(reads).map((label) => [label, 0]))
  let samples
  try {
    samples = await interleave(
      reads,
      { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS },
      async (read, label) => {
        const start = positions[label]
        positions[label] = (start + SLICE) % ROWS
        const slice = names.slice(start, start + SLICE)
        const startedAt = performance.now()
        const passes = label === CACHED ? CACHED_PASSES : 1
        const { client: own, backend } = await postgres.cpuWhile(async () => {
          for (let pass = 0; pass < passes; pass += 1) {
            for (const name of slice) {
              if ((await read(name)) !== secrets.get(name)) {
                throw new Error(`${label}: another value`)
              }
            }
          }
        })
        if (label === OURS) clock.time += performance.now() - startedAt
        return { client: own / SLICE / passes, backend: backend / SLICE / passes }
      },
    )
  } finally {
    await cached.close()
    await pool.end()
    await client.end()
  }

  const totals = (label) => samples[label].map((each) => each.client + each.backend)
  return measuredTable(
    'postgres-reads',
    `CPU of one read of 1 KB, PostgreSQL ${postgres.version}`,
    [
      ['process us', 1],
      ['backend us', 1],
      ['together us', 1],
      ['of the floor', 3],
    ],
    Object.keys(reads).map((label) => ({
      label,
      role: ROLES[label],
      values: [
        typical(samples[label].map((each) => each.client)),
        typical(samples[label].map((each) => each.backend)),
        typical(totals(label)),
        ratioOf(totals(label), totals(FLOOR)),
      ],
    })),
  )
}
