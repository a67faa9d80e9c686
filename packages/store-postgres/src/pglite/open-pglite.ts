import { chmodSync, existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isAuthError } from '@bestviable/mcp-auth-middleware'
import { databaseUnavailable } from '../database/database-errors.js'
import { errnoOf } from './errno.js'
import {
  type ImportPglite,
  loadPglite,
  type PgliteInstance,
  type PgliteModule,
} from './load-pglite.js'
import { takeLockFile } from './lock-file.js'
import { MEMORY } from './pglite-options.js'
import { createPrivateFolder } from './private-folder.js'

/** An open PGlite. */
export interface OpenPglite {
  readonly pglite: PgliteInstance
  /** Ends it and gives the folder back. */
  close(): Promise<void>
}

/** Makes a database apart and moves it to its place when it is whole: a kill leaves none that is half made. */
async function createDatabaseFolder(module: PgliteModule, folder: string): Promise<void> {
  const draft = `${folder}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  const pglite = await module.PGlite.create({ dataDir: `file://${draft}` })
  await pglite.close()
  try {
    rmdirSync(folder)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
  renameSync(draft, folder)
}

function describeFailure(folder: string, error: unknown): Error {
  if (error instanceof Error && isAuthError(error)) return error
  const code = errnoOf(error) ?? 'ERR_PGLITE_OPEN'
  return databaseUnavailable(
    `the PGlite database ${JSON.stringify(folder)} could not be opened; check that this user may write there, that the disk is not full, and that no other major release of PGlite made it (then export it with that release and import it here)`,
    code,
  )
}

/**
 * Opens PGlite in a data folder, which no other process can open then, or in memory.
 *
 * @throws {@link StoreUnavailableError} when another process has it open, or it cannot be opened.
 * @throws {@link ConfigurationError} when PGlite is not installed.
 */
export async function openPglite(
  dataDir: string,
  importPglite?: ImportPglite,
): Promise<OpenPglite> {
  const module = await loadPglite(importPglite)
  if (dataDir === MEMORY) {
    const pglite = await module.PGlite.create({ dataDir: MEMORY })
    return { pglite, close: () => pglite.close() }
  }
  let release: (() => void) | undefined
  try {
    const home = createPrivateFolder(dataDir)
    const folder = join(home, 'pglite')
    const lock = await takeLockFile(join(home, 'pglite.lock'))
    release = lock.release
    if (!existsSync(join(folder, 'PG_VERSION'))) await createDatabaseFolder(module, folder)
    chmodSync(folder, 0o700)
    const pglite = await module.PGlite.create({ dataDir: `file://${folder}` })
    return {
      pglite,
      async close() {
        try {
          await pglite.close()
        } finally {
          lock.release()
        }
      },
    }
  } catch (error) {
    release?.()
    throw describeFailure(dataDir, error)
  }
}
