/*
 * Memory of `rotateKeys` over 1,000 and over 100,000 records, each in a process of its own, after a
 * collection behind every batch.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  createEnvelopeCodec,
  generateEncryptionKey,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase, rotateKeys } from '@bestviable/mcp-auth-store-postgres'
import pg from 'pg'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { isMain } from '../lib/program.mjs'
import { seedCredentials } from './seed-credentials.mjs'

const FEW = effort(1000, 100)
const MANY = effort(100_000, 1000)

const codecFor = (...keys) =>
  createEnvelopeCodec({ keyProvider: localKeyProvider({ keys: keys.join() }) })

async function rotateHere({ connectionString, keys, records }) {
  const database = createDatabase({ connectionString })
  let highest = 0
  let rss = 0
  const { rewrapped } = await rotateKeys(database, codecFor(...keys), {
    onProgress() {
      // Twice: the memory of buffers is given back behind the first one.
      globalThis.gc()
      globalThis.gc()
      const usage = process.memoryUsage()
      highest = Math.max(highest, usage.heapUsed + usage.arrayBuffers)
      rss = Math.max(rss, usage.rss)
    },
  })
  await database.close()
  if (rewrapped !== records) throw new Error(`rotateKeys rewrapped ${rewrapped} records`)
  return { records, heap: highest, rss }
}

async function measure(postgres, records) {
  const connectionString = await postgres.createDatabase()
  const keys = [generateEncryptionKey(), generateEncryptionKey()]
  const database = createDatabase({ connectionString })
  await database.ready()
  await database.close()
  const client = new pg.Client({ connectionString })
  await client.connect()
  await seedCredentials(client, codecFor(keys[1]), records)
  await client.end()
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--expose-gc', fileURLToPath(import.meta.url)],
    { encoding: 'utf8', input: JSON.stringify({ connectionString, keys, records }) },
  )
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

export async function measureRewrapMemory(postgres) {
  const few = await measure(postgres, FEW)
  const many = await measure(postgres, MANY)
  return measuredTable(
    'rewrap-memory',
    'Memory of rotateKeys, highest after a collection',
    [
      ['heap and buffers MB', 1],
      ['RSS MB', 0],
      ['heap, of the first', 2],
      ['RSS, of the first', 2],
    ],
    [few, many].map(({ records, heap, rss }) => ({
      label: `rotateKeys, ${records} records`,
      role: records === FEW ? 'base' : 'ours',
      values: [heap / 1e6, rss / 1e6, heap / few.heap, rss / few.rss],
    })),
  )
}

if (isMain(import.meta.url)) {
  let input = ''
  for await (const chunk of process.stdin) input += chunk
  console.log(JSON.stringify(await rotateHere(JSON.parse(input))))
}
