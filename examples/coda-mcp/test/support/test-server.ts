import { createLogger } from '../../src/logger.js'
import { startServer } from '../../src/server.js'
import { createDataFolder } from './data-folder.js'
import { findFreePort } from './free-port.js'
import { unwatched } from './unwatched.js'

export { createCleanup } from './cleanup.js'

/** The whole server with its real guard, started from environment variables in this process. */
export interface TestServer {
  /** Address that clients are given, without a path. */
  readonly url: string
  readonly resource: string
  /** Lines of the log, everything from `trace` up. */
  readonly log: readonly string[]
  /** What was printed for a person at the terminal. */
  readonly printed: string
  close(): Promise<void>
}

/** Starts the server on a free port. `env` wins over the port, the folder, the short drain and the rest. */
export async function startTestServer(env: Record<string, string> = {}): Promise<TestServer> {
  const port = String(await findFreePort())
  const folder = createDataFolder({ PORT: port, ...env })
  const log: string[] = []
  let printed = ''
  const { config, drain, server } = await startServer({
    env: { PORT: port, DRAIN_SECONDS: '1', DATA_DIR: folder.path, ...unwatched, ...env },
    version: '1.2.3',
    write: (text) => {
      printed += text
    },
    logger: createLogger('trace', { write: (line) => void log.push(line) }),
  })
  return {
    url: config.publicUrl,
    resource: config.resource,
    log,
    printed,
    close: async () => {
      await drain.begin(server)
      await folder.close()
    },
  }
}
