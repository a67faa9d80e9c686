/* CPU of reading one credential of 1 KB from PGlite, which runs in this process. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase, postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import { PGlite } from '@electric-sql/pglite'
import { cpuOf } from '../lib/cpu-of.mjs'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { interleave } from './interleave.mjs'
import { createBareCipher } from './seal-bare.mjs'
import { ratioOf, typical } from './typical.mjs'

const READS = effort(100, 5)
const SIZES = { rounds: effort(20, 1), warmUpRounds: effort(5, 0) }
const KEY = { provider: 'coda', owner: { kind: 'service' } }

const SELECT = 'SELECT 1'
const FLOOR = 'floor: SELECT by key, one AES-GCM open'
const OURS = 'postgresTokenStore on PGlite'

export async function measurePgliteReads() {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-auth-pglite-'))
  const secret = randomBytes(512).toString('hex')
  const cipher = createBareCipher()
  const bare = await PGlite.create()
  await bare.exec('CREATE TABLE bare (name text PRIMARY KEY, sealed bytea NOT NULL)')
  await bare.query('INSERT INTO bare VALUES ($1, $2)', ['coda', cipher.seal('coda', secret)])
  const clock = Date.now()
  const database = createDatabase({ dataDir: join(folder, 'data'), adminSocket: false })
  // Opening takes longer than a read may.
  await database.ready()
  const store = postgresTokenStore({
    database,
    encryptionKeys: generateEncryptionKey(),
    // The event of the first read in a minute is written before anything is measured.
    now: () => clock,
  })
  try {
    await store.set(KEY, { kind: 'api-key', secret })
    const reads = {
      [SELECT]: () => bare.query(SELECT),
      [FLOOR]: async () => {
        const { rows } = await bare.query('SELECT sealed FROM bare WHERE name = $1', ['coda'])
        return cipher.open('coda', Buffer.from(rows[0].sealed))
      },
      [OURS]: async () => (await store.get(KEY)).secret,
    }
    const samples = await interleave(reads, SIZES, (read, label) =>
      cpuOf(READS, async () => {
        const value = await read()
        if (label !== SELECT && value !== secret) throw new Error(`${label}: another value`)
      }),
    )
    return measuredTable(
      'pglite-reads',
      'CPU of one read of 1 KB from PGlite',
      [
        ['CPU us', 1],
        ['of the floor', 2],
      ],
      Object.keys(reads).map((label) => ({
        label,
        role: label === OURS ? 'ours' : 'floor',
        values: [typical(samples[label]), ratioOf(samples[label], samples[FLOOR])],
      })),
    )
  } finally {
    await store.close()
    await database.close()
    await bare.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
