/*
 * What a read asks of the database and of Infisical, counted: statements and requests depend on no
 * machine, so that these limits may fail a build.
 */
import { cachedTokenStore } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { infisicalTokenStore } from '@bestviable/mcp-auth-store-infisical'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import pg from 'pg'
import { startPostgres } from '../lib/postgres.mjs'
import { printTable } from '../lib/program.mjs'
import { compileTypeScript } from '../lib/typescript.mjs'

const READS = 100
const KEY = { provider: 'coda', owner: { kind: 'service' } }

async function countDuring(counter, store) {
  await store.get(KEY)
  counter.count = 0
  for (let read = 0; read < READS; read += 1) {
    if ((await store.get(KEY))?.secret !== 'secret') throw new Error('another value')
  }
  return counter.count
}

async function countInfisical() {
  const { startFakeInfisical } = await import(
    compileTypeScript('packages/store-infisical/test/fake-infisical/index.ts')
  )
  const fake = await startFakeInfisical()
  const { siteUrl, projectId, environment, clientId, clientSecret } = fake
  const auth = { method: 'universal', clientId, clientSecret }
  const options = { siteUrl, projectId, environment, auth }
  const direct = infisicalTokenStore({ ...options, listTtlSeconds: 0 })
  const listed = infisicalTokenStore(options)
  const counter = {
    get count() {
      return fake.requests.length
    },
    set count(length) {
      fake.requests.length = length
    },
  }
  try {
    await direct.set(KEY, { kind: 'api-key', secret: 'secret' })
    return [
      {
        what: 'Infisical requests, not cached',
        count: await countDuring(counter, direct),
        limit: READS,
      },
      {
        what: 'Infisical requests, from the listing',
        count: await countDuring(counter, listed),
        limit: 0,
      },
    ]
  } finally {
    await direct.close()
    await listed.close()
    await fake.close()
  }
}

async function countPostgres(postgres) {
  const pool = new pg.Pool({ connectionString: await postgres.createDatabase(), max: 1 })
  const counter = { count: 0 }
  pool.on('connect', (client) => {
    const { query } = client
    client.query = function countedQuery(...parameters) {
      counter.count += 1
      return query.apply(this, parameters)
    }
  })
  const store = postgresTokenStore({
    pool,
    encryptionKeys: generateEncryptionKey(),
    // The first read per minute writes an event, whenever that minute begins.
    auditReads: 'off',
    listen: false,
    pollMilliseconds: 60_000,
  })
  // Without its polling, which goes on beside reads.
  const unwatched = { ...store, watch: undefined }
  const cached = cachedTokenStore(unwatched, { ttlSeconds: 3600 })
  try {
    await store.set(KEY, { kind: 'api-key', secret: 'secret' })
    return [
      { what: 'PostgreSQL statements', count: await countDuring(counter, store), limit: READS },
      {
        what: 'PostgreSQL statements, cached',
        count: await countDuring(counter, cached),
        limit: 0,
      },
    ]
  } finally {
    await store.close()
    await pool.end()
  }
}

/** Counts for 100 reads of one credential; without PostgreSQL only those of Infisical. */
export async function countStoreCalls() {
  const counts = await countInfisical()
  const postgres = await startPostgres()
  if (postgres === undefined) return counts
  try {
    return [...(await countPostgres(postgres)), ...counts]
  } finally {
    await postgres.stop()
  }
}

/** Prints the table and returns whether every limit was kept. */
export function printStoreCounts(counts) {
  printTable(
    `Calls for ${READS} reads of a stored credential (counted)`,
    ['what', 'count', 'limit', ''],
    counts.map(({ what, count, limit }) => [what, count, limit, count <= limit ? 'met' : 'MISSED']),
  )
  return counts.every(({ count, limit }) => count <= limit)
}
