import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for the embedded database of one test. */
export interface DataFolder {
  readonly path: string
  close(): Promise<void>
}

export function createDataFolder(): DataFolder {
  const path = mkdtempSync(join(tmpdir(), 'coda-mcp-data-'))
  return { path, close: async () => rmSync(path, { recursive: true, force: true }) }
}
