import { join, resolve } from 'node:path'
import {
  ConfigurationError,
  type ConfigurationProblem,
  type StoreUnavailableError,
} from '@bestviable/mcp-auth-middleware'
import * as z from 'zod/mini'
import { databaseShape } from '../database/options.js'
import { describeIssue } from '../describe-issue.js'

/** Options for {@link createPgliteDatabase}. */
export interface PgliteDatabaseOptions {
  /** Folder for the database, its lock file and its admin socket, made with mode 0700; or `memory://`. */
  readonly dataDir: string
  /** Schema of all tables. Default `mcp_auth`. */
  readonly schema?: string | undefined
  /** LISTEN inside the process. Default true. */
  readonly listen?: boolean | undefined
  readonly locks?: 'advisory' | 'table' | undefined
  /** Whether `ready` applies missing migrations or refuses to go on without them. Default `auto`. */
  readonly migrate?: 'auto' | 'verify' | undefined
  /** Milliseconds between polls of stores that cannot listen. 50 to 60,000, default 500. */
  readonly pollMilliseconds?: number | undefined
  /**
   * Goes through the admin socket of the process that has the database open, in place of opening it:
   * `true` always, `'auto'` where such a process runs. Default false.
   */
  readonly attach?: boolean | 'auto' | undefined
  /** Whether this process serves the admin socket while it has the database open. Default true. */
  readonly adminSocket?: boolean | undefined
  /** Told about trouble that no call can report. Holds no secret. */
  readonly onError?: ((error: StoreUnavailableError) => void) | undefined
}

/** Where PGlite keeps its files in memory. */
export const MEMORY = 'memory://'

/** Longest path that every system takes for a unix socket, whose limits are 103 and 107 bytes. */
export const MAXIMUM_SOCKET_PATH_BYTES = 100

const Options = z.strictObject({
  dataDir: z
    .string({ error: 'must be a path or "memory://"' })
    .check(z.minLength(1, { error: 'must be a path or "memory://"' })),
  schema: databaseShape.schema,
  listen: databaseShape.listen,
  locks: databaseShape.locks,
  migrate: databaseShape.migrate,
  pollMilliseconds: databaseShape.pollMilliseconds,
  attach: z._default(databaseShape.attach, false),
  adminSocket: z._default(databaseShape.adminSocket, true),
  onError: databaseShape.onError,
})

/** Options of `createPgliteDatabase` with defaults applied. */
export type ParsedPgliteOptions = z.infer<typeof Options>

/** Path of the admin socket of a data folder. */
export function adminSocketPath(dataDir: string): string {
  return join(resolve(dataDir), 'admin.sock')
}

function findProblems(options: ParsedPgliteOptions): ConfigurationProblem[] {
  const { dataDir, attach, adminSocket } = options
  const problems: ConfigurationProblem[] = []
  if (attach === true && process.platform === 'win32') {
    problems.push({
      path: 'attach',
      message: 'is not supported on Windows; stop the server and open the folder itself',
    })
  }
  if (dataDir === MEMORY) {
    if (attach !== false) problems.push({ path: 'attach', message: 'needs a folder as dataDir' })
  } else if (/^[a-z]+:\/\//i.test(dataDir)) {
    problems.push({ path: 'dataDir', message: 'must be a path or "memory://"' })
  } else if (attach !== false || (adminSocket && process.platform !== 'win32')) {
    const bytes = Buffer.byteLength(adminSocketPath(dataDir))
    if (bytes > MAXIMUM_SOCKET_PATH_BYTES) {
      problems.push({
        path: 'dataDir',
        message: `is too long a path: with "/admin.sock" it has ${bytes} bytes, and ${MAXIMUM_SOCKET_PATH_BYTES} is the most for a socket; use a shorter one, or adminSocket: false to do without the CLI while the server runs`,
      })
    }
  }
  return problems
}

/** Validates the options of `createPgliteDatabase`. */
export function parsePgliteOptions(options: unknown): ParsedPgliteOptions {
  const result = Options.safeParse(options)
  const problems = result.success
    ? findProblems(result.data)
    : result.error.issues.flatMap(describeIssue)
  if (!result.success || problems.length > 0) {
    throw new ConfigurationError('createPgliteDatabase', problems)
  }
  return result.data
}
