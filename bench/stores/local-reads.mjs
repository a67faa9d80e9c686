/* CPU of reading one credential of 1 KB where nothing leaves the process: memory, environment, cache. */
import { cachedTokenStore, memoryTokenStore } from '@bestviable/mcp-auth-middleware'
import { envTokenStore } from '@bestviable/mcp-auth-store-env'
import { cpuOf } from '../lib/cpu-of.mjs'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { interleave } from './interleave.mjs'
import { ratioOf, typical } from './typical.mjs'

const READS = effort(5000, 50)
const SIZES = { rounds: effort(30, 1), warmUpRounds: effort(5, 0) }
const KEY = { provider: 'coda', owner: { kind: 'service' } }
const VARIABLE = 'CODA_API_TOKEN'

const MAP = 'floor: Map'
const ENVIRONMENT = 'floor: process.env'
const OURS = ['memoryTokenStore', 'envTokenStore', 'cachedTokenStore, warm']

const cpuOfReads = (read, secret) =>
  cpuOf(READS, async () => {
    if ((await read()) !== secret) throw new Error('another value')
  })

export async function measureLocalReads() {
  const secret = 'x'.repeat(1024)
  process.env[VARIABLE] = secret
  const known = new Map([['coda service', secret]])
  const memory = memoryTokenStore()
  await memory.set(KEY, { kind: 'api-key', secret })
  const env = envTokenStore()
  const cached = cachedTokenStore(memory, { ttlSeconds: 3600 })
  const readFrom = (store) => async () => (await store.get(KEY)).secret
  const reads = {
    [MAP]: async () => known.get('coda service'),
    [ENVIRONMENT]: async () => process.env[VARIABLE],
    [OURS[0]]: readFrom(memory),
    [OURS[1]]: readFrom(env),
    [OURS[2]]: readFrom(cached),
  }
  const samples = await interleave(reads, SIZES, (read) => cpuOfReads(read, secret))
  await cached.close()
  await env.close()
  delete process.env[VARIABLE]
  return measuredTable(
    'local-reads',
    'CPU of one read of 1 KB within the process',
    [
      ['CPU us', 2],
      ['of process.env', 2],
    ],
    Object.keys(reads).map((label) => ({
      label,
      role: OURS.includes(label) ? 'ours' : 'floor',
      values: [typical(samples[label]), ratioOf(samples[label], samples[ENVIRONMENT])],
    })),
  )
}
