import { migrateCredentials } from '@bestviable/mcp-auth-middleware'
import { createEnvelopeCodec, localKeyProvider } from '@bestviable/mcp-auth-middleware/envelope'
import { createDatabase } from '../../src/database/create-database.js'
import { rotateKeys } from '../../src/keys/rewrap-records.js'
import { postgresTokenStore } from '../../src/postgres-token-store.js'
import { type CrashJob, crashKey } from './crash-job.js'
import { createCrashPoints, storeWithCrashPoints, withCrashPoints } from './crash-points.js'

/* One run of an operation, in a process of its own that is killed at the planned point. */

const job = JSON.parse(process.env.CRASH_JOB ?? '{}') as CrashJob
const points = createCrashPoints(job.plan)
const database = createDatabase({ connectionString: job.connectionString, listen: false })
const { keys } = job
const watched = withCrashPoints(database, points)
const open = (namespace: string, inner = database) =>
  postgresTokenStore({ database: inner, encryptionKeys: keys, namespace, auditReads: 'off' })

await database.ready()
if (job.operation === 'migrate') {
  const from = storeWithCrashPoints(open('old'), points, 'from')
  const to = storeWithCrashPoints(open('new'), points, 'to')
  await migrateCredentials({ from, to })
} else if (job.operation === 'rotate') {
  const codec = createEnvelopeCodec({ keyProvider: localKeyProvider({ keys }) })
  await rotateKeys(watched, codec, { batchSize: 100 })
} else {
  const store = storeWithCrashPoints(open('old', watched), points, 'store')
  for (let index = 0; index < 20; index++) {
    await store.set(crashKey(index), { kind: 'api-key', secret: `${job.secret}-${index}` })
    // What was printed was acknowledged.
    process.stdout.write(`${index}\n`)
  }
}
process.stdout.write(`points ${JSON.stringify([...points.passed])}\n`)
await database.close()
