import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import type { PGlite } from '@electric-sql/pglite'
import { errnoOf } from './errno.js'

/** The part of PGlite that is used here. */
export type PgliteInstance = Pick<PGlite, 'query' | 'transaction' | 'onNotification' | 'close'>

/** The module `@electric-sql/pglite`, as far as it is used here. */
export interface PgliteModule {
  readonly PGlite: Pick<typeof PGlite, 'create'>
}

/** Imports PGlite. */
export type ImportPglite = () => Promise<PgliteModule>

const importInstalled: ImportPglite = () => import('@electric-sql/pglite')

/**
 * Loads PGlite, an optional peer dependency of tens of megabytes, when a database is opened.
 *
 * @throws {@link ConfigurationError} when it is not installed.
 */
export async function loadPglite(
  importPglite: ImportPglite = importInstalled,
): Promise<PgliteModule> {
  try {
    return await importPglite()
  } catch (cause) {
    if (errnoOf(cause) !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new ConfigurationError(
      'createPgliteDatabase',
      [
        {
          path: 'dataDir',
          message:
            'needs a package that is not installed; run: npm install @electric-sql/pglite (or use a connectionString)',
        },
      ],
      { cause },
    )
  }
}
