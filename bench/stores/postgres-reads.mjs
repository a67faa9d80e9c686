/*
 * CPU of reading one credential of 1 KB from PostgreSQL, in this process and in the backend together:
 * through the store, and by the least code that reads an encrypted value. One row after the other over
 * 1000 rows, on TCP.
 */
import { randomBytes } from 'node:crypto'
import { cachedTokenStore } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import pg from 'pg'
import { median } from '../lib/program.mjs'
import { compare, ratioOf } from './limits.mjs'
import { createBareCipher } from './seal-bare.mjs'

const ROWS = 1000
const ROUNDS = 15
const WARM_UP_ROUNDS = 3

const FLOOR = 'floor: prepared SELECT, one AES-GCM open'
const PGCRYPTO = 'pgcrypto pgp_sym_decrypt'
const OURS = 'postgresTokenStore'
const CACHED = 'postgresTokenStore, cached'

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

/** Measures and returns `{ rows, comparisons }`. */
export async function measurePostgresReads(postgres) {
  const connectionString = await postgres.createDatabase()
  const client = new pg.Client({ connectionString })
  const pool = new pg.Pool({ connectionString, max: 5 })
  await client.connect()
  const store = postgresTokenStore({ connectionString, encryptionKeys: generateEncryptionKey() })
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
    'the same through a Pool': readBare(pool),
    [PGCRYPTO]: async (name) =>
      (await client.query({ ...pgp, values: [name, passphrase] })).rows[0].secret,
    [OURS]: async (name) => (await store.get(keys.get(name))).secret,
    [CACHED]: async (name) => (await cached.get(keys.get(name))).secret,
  }

  const samples = Object.fromEntries(Object.keys(reads).map((label) => [label, []]))
  try {
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
      for (const [label, read] of Object.entries(reads)) {
        const { client: own, backend } = await postgres.cpuWhile(async () => {
          for (const [name, secret] of secrets) {
            if ((await read(name)) !== secret) throw new Error(`${label}: another value`)
          }
        })
        if (round >= 0) samples[label].push({ client: own / ROWS, backend: backend / ROWS })
      }
    }
  } finally {
    await cached.close()
    await pool.end()
    await client.end()
  }

  const totals = (label) => samples[label].map((each) => each.client + each.backend)
  const ratio = (label, of) => ratioOf(totals(label), totals(of))
  return {
    rows: Object.keys(reads).map((label) => ({
      label,
      client: median(samples[label].map((each) => each.client)),
      backend: median(samples[label].map((each) => each.backend)),
      ofFloor: ratio(label, FLOOR),
    })),
    comparisons: [
      compare(OURS, FLOOR, ratio(OURS, FLOOR), 1.3),
      compare(OURS, PGCRYPTO, ratio(OURS, PGCRYPTO), 0.5),
      compare(CACHED, OURS, ratio(CACHED, OURS), 0.05),
    ],
  }
}
