/*
 * What the stores cost: reads of one credential, reads from Infisical, putting records under another
 * key. CPU times as ratios to the least code that does the same, in one run. A report with limits, not
 * a gate: `npm run bench` says which limits were kept. By itself, `node stores.mjs --json` measures the
 * stores alone and writes `results/stores-<Node.js major>.json`.
 */
import { startPostgres } from './lib/postgres.mjs'
import { isMain, printTable } from './lib/program.mjs'
import { workspaceVersions, writeResults } from './lib/results.mjs'
import { countStoreCalls, printStoreCounts } from './stores/counts.mjs'
import { measureInfisicalReads } from './stores/infisical-reads.mjs'
import { measurePostgresReads } from './stores/postgres-reads.mjs'
import { measureRewrap } from './stores/rewrap.mjs'
import { measureRewrapMemory } from './stores/rewrap-memory.mjs'

/** Measures everything; the parts that need PostgreSQL are absent where there is none. */
export async function measureStores() {
  const infisicalReads = await measureInfisicalReads()
  const postgres = await startPostgres()
  if (postgres === undefined) return { infisicalReads }
  try {
    return {
      postgresVersion: postgres.version,
      postgresReads: await measurePostgresReads(postgres),
      infisicalReads,
      rewrap: await measureRewrap(postgres),
      rewrapMemory: await measureRewrapMemory(postgres),
    }
  } finally {
    await postgres.stop()
  }
}

function printClientAndBackend(title, rows, ratioTitle, ratio) {
  printTable(
    title,
    ['operation', 'client us', 'backend us', 'together us', ratioTitle],
    rows.map((row) => [
      row.label,
      row.client.toFixed(1),
      row.backend.toFixed(1),
      (row.client + row.backend).toFixed(1),
      row[ratio].toFixed(2),
    ]),
  )
}

export function printStores(results) {
  const { postgresVersion, postgresReads, infisicalReads, rewrap, rewrapMemory } = results
  if (postgresReads !== undefined) {
    const title = `CPU of one read of 1 KB, PostgreSQL ${postgresVersion}, Node.js ${process.version}`
    printClientAndBackend(title, postgresReads.rows, 'of the floor', 'ofFloor')
  }
  printTable(
    `CPU of one read from Infisical, Node.js ${process.version}`,
    ['operation', 'CPU us', 'of the SDK'],
    infisicalReads.rows.map(({ label, microseconds, ofSdk }) => [
      label,
      microseconds.toFixed(1),
      ofSdk.toFixed(3),
    ]),
  )
  if (rewrap !== undefined) {
    const title = `CPU of another key for one record, batches of 500, PostgreSQL ${postgresVersion}`
    printClientAndBackend(title, rewrap.rows, 'of the bare one', 'ofBare')
    printTable(
      'Memory of rotateKeys, highest after a collection',
      ['records', 'heap and buffers MB', 'RSS MB'],
      rewrapMemory.rows.map(({ records, heap, rss }) => [
        records,
        (heap / 1e6).toFixed(1),
        (rss / 1e6).toFixed(0),
      ]),
    )
  }
  const comparisons = [postgresReads, infisicalReads, rewrap, rewrapMemory].flatMap(
    (part) => part?.comparisons ?? [],
  )
  printTable(
    'Limits of the stores',
    ['what', 'against', 'ratio', 'limit', ''],
    comparisons.map(({ what, of, ratio, limit, met }) => [
      what,
      of,
      ratio.toFixed(3),
      limit,
      met ? 'kept' : 'MISSED',
    ]),
  )
}

/** Measures, prints and writes everything about stores. */
export async function reportStores(storeCounts) {
  const stores = await measureStores()
  printStores(stores)
  const versions = workspaceVersions(['pg', '@infisical/sdk'])
  writeResults('stores-', versions, { storeCounts, ...stores })
}

if (isMain(import.meta.url)) {
  const storeCounts = await countStoreCalls()
  printStoreCounts(storeCounts)
  if (process.argv.includes('--json')) await reportStores(storeCounts)
  else printStores(await measureStores())
}
