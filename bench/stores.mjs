/*
 * What the stores cost: reads of one credential from memory, the environment, PostgreSQL, PGlite and
 * Infisical, and putting records under another key. CPU against the least code that does the same, in one
 * run. A report.
 */
import { reportTables } from './lib/measured-table.mjs'
import { startPostgres } from './lib/postgres.mjs'
import { isMain } from './lib/program.mjs'
import { workspaceVersions } from './lib/results.mjs'
import { measureInfisicalReads } from './stores/infisical-reads.mjs'
import { measureLocalReads } from './stores/local-reads.mjs'
import { measurePgliteReads } from './stores/pglite-reads.mjs'
import { measurePostgresReads } from './stores/postgres-reads.mjs'
import { measureRewrap } from './stores/rewrap.mjs'
import { measureRewrapMemory } from './stores/rewrap-memory.mjs'

/** Measures everything; what needs PostgreSQL is absent where there is none. */
export async function measureStores() {
  const tables = [await measureLocalReads(), await measureInfisicalReads()]
  const postgres = await startPostgres()
  if (postgres !== undefined) {
    try {
      tables.push(await measurePostgresReads(postgres))
      tables.push(await measureRewrap(postgres))
      tables.push(await measureRewrapMemory(postgres))
    } finally {
      await postgres.stop()
    }
  }
  return [...tables, await measurePgliteReads()]
}

if (isMain(import.meta.url)) {
  const versions = workspaceVersions(['pg', '@infisical/sdk'])
  reportTables('stores', versions, await measureStores())
}
