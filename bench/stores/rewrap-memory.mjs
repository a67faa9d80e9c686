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
import { isMain } from '../lib/program.mjs'
import { compare } from './limits.mjs'
import { seedCredentials } from './seed-credentials.mjs'

const FEW = 1000
const MANY = 100_000

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

/** Measures and returns `{ rows, comparisons }`. */
export async function measureRewrapMemory(postgres) {
  const few = await measure(postgres, FEW)
  const many = await measure(postgres, MANY)
  const [what, of] = [MANY, FEW].map((count) => `rotateKeys, ${count} records`)
  return {
    rows: [few, many],
    comparisons: [
      compare(`${what}, heap`, of, many.heap / few.heap, 1.1),
      compare(`${what}, RSS`, of, many.rss / few.rss, 1.25),
    ],
  }
}

if (isMain(import.meta.url)) {
  let input = ''
  for await (const chunk of process.stdin) input += chunk
  console.log(JSON.stringify(await rotateHere(JSON.parse(input))))
}
