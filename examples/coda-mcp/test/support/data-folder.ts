import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fillWithPglite } from '../../../../packages/store-postgres/test/support/prepared-folders.js'
import { readConfig } from '../../src/config.js'

/** A folder for the embedded database of one test. */
export interface DataFolder {
  readonly path: string
  close(): Promise<void>
}

/** Whether a server with these variables opens an embedded database in a folder that is made for it. */
function opensEmbeddedDatabase(env: Readonly<Record<string, string>>): boolean {
  if (env.DATA_DIR !== undefined) return false
  try {
    const { database } = readConfig(env)
    return database !== undefined && database.connectionString === undefined
  } catch {
    return false
  }
}

/**
 * Makes one. Where a server with these variables needs an embedded database there is an empty one, which
 * the server would take seconds to make.
 */
export function createDataFolder(env: Readonly<Record<string, string>> = {}): DataFolder {
  const path = mkdtempSync(join(tmpdir(), 'coda-mcp-data-'))
  if (opensEmbeddedDatabase(env)) fillWithPglite(path)
  return { path, close: async () => rmSync(path, { recursive: true, force: true }) }
}
