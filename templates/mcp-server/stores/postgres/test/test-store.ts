import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../src/settings.js'

/** Variables with which the whole server starts in a test, on a database of its own. */
export async function startTestStore(): Promise<{ env: Environment; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'store-'))
  return { env: { DATA_DIR: folder }, close: () => rm(folder, { recursive: true }) }
}
