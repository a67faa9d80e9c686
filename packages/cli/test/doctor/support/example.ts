import { createDatabase, type Database } from '@bestviable/mcp-auth-store-postgres'
import { spawnServer } from '../../../../../examples/coda-mcp/test/support/child-server.js'
import { createDataFolder } from '../../../../../examples/coda-mcp/test/support/data-folder.js'
import { findFreePort } from '../../../../../examples/coda-mcp/test/support/free-port.js'

/** `npm start` of the example as a process, with nothing configured. */
export interface RunningExample {
  readonly resource: string
  readonly issuer: string
  readonly dataDir: string
  /** What the authorization server keeps of clients, tokens, sessions and people, without sealed parts. */
  rows(): Promise<readonly string[]>
  close(): Promise<void>
}

const TABLES = ['oauth_clients', 'oauth_tokens', 'user_profiles'] as const

/** Sealed parts, and when somebody was seen last: a sign-in is one. */
const TIMES = [
  ...['payload', 'wrapped_key', 'key_id', 'version'],
  ...['created_at', 'updated_at', 'last_login_at', 'last_active_at'],
]

async function readRows(database: Database): Promise<readonly string[]> {
  const rows: string[] = []
  for (const table of TABLES) {
    const found = await database.query(
      {
        name: `doctor_test_${table}`,
        text: `SELECT to_jsonb(t) - $1::text[] AS row FROM {schema}.${table} AS t`,
      },
      [TIMES],
    )
    rows.push(...found.map(({ row }) => `${table} ${JSON.stringify(row)}`))
  }
  return rows.sort()
}

/** Starts the built example in a folder of its own. */
export async function startExample(): Promise<RunningExample> {
  const folder = createDataFolder()
  const port = await findFreePort()
  const child = spawnServer({ PORT: String(port), DATA_DIR: folder.path })
  await child.listening()
  const issuer = `http://localhost:${port}`
  return {
    resource: `${issuer}/mcp`,
    issuer,
    dataDir: folder.path,
    async rows() {
      // Through the server, which alone has the embedded database open.
      const options = { attach: 'auto', migrate: 'verify', listen: false } as const
      const database = createDatabase({ dataDir: folder.path, ...options })
      try {
        return await readRows(database)
      } finally {
        await database.close()
      }
    },
    async close() {
      await child.close()
      await folder.close()
    },
  }
}
