import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startCluster } from '../../../../packages/store-postgres/test/support/engines.js'

const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url))
const cli = fileURLToPath(new URL('../../../../packages/cli/dist/main.js', import.meta.url))
const read = (path: string): string => readFileSync(join(deploy, path), 'utf8')

export type Role = 'postgres' | 'coda_mcp_owner' | 'coda_mcp'

/** The database of compose.yaml: its files and secrets on a real PostgreSQL, without containers. */
export interface ComposeDatabase {
  addressOf(role: Role): string
  /** Runs statements as a role, on a connection of their own. */
  query(role: Role, text: string): Promise<readonly Record<string, unknown>[]>
  /** Runs a command of mcp-auth as the service "migrate" does; as another role, where one is given. */
  command(
    words: readonly string[],
    options?: { readonly role?: Role; readonly keys?: string },
  ): { readonly code: number | null; readonly said: string }
  /** What the service "grant" runs. */
  grant(): void
  close(): Promise<void>
}

/** Why psql cannot be run here, or nothing. */
export function whyNoPsql(): string | undefined {
  return spawnSync('psql', ['--version']).status === 0 ? undefined : 'there is no psql'
}

function run(program: string, words: readonly string[], env: Record<string, string>): void {
  const { status, stderr } = spawnSync(program, words, {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`)
}

/** Starts PostgreSQL and does what its image does at the first start: makes the database, runs roles.sql. */
export async function startComposeDatabase(): Promise<ComposeDatabase> {
  const home = mkdtempSync(join(tmpdir(), 'compose-database-'))
  const secrets = join(home, 'secrets')
  mkdirSync(secrets)
  run('sh', [join(deploy, 'make-secrets.sh'), secrets], {})
  const secret = (name: string): string => readFileSync(join(secrets, name), 'utf8')
  /** A copy of a file that finds its secrets and the others here. */
  function placed(path: string): string {
    const copy = join(home, path.replace('/', '-'))
    const text = read(path).replaceAll('/run/secrets', secrets)
    writeFileSync(copy, text.replace('/grants.sql', join(deploy, 'postgres/grants.sql')))
    return copy
  }

  const cluster = await startCluster(undefined, {
    // As in the image, where nobody comes in from another container without a password.
    authentication: ['host all coda_mcp,coda_mcp_owner 127.0.0.1/32 scram-sha-256'],
  })
  const server = { PGHOST: '127.0.0.1', PGPORT: String(cluster.port), PGDATABASE: 'coda_mcp' }

  function addressOf(role: Role): string {
    if (role === 'postgres') return cluster.connectionString('coda_mcp')
    const made = new URL(secret(role === 'coda_mcp' ? 'database_url' : 'database_owner_url'))
    made.host = `127.0.0.1:${cluster.port}`
    return made.href
  }
  async function query(role: Role, text: string): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: addressOf(role) })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }

  const maintenance = new pg.Client({ connectionString: cluster.connectionString() })
  await maintenance.connect()
  await maintenance.query('CREATE DATABASE coda_mcp')
  await maintenance.end()
  run('psql', ['--no-psqlrc', '--quiet', '--file', placed('postgres/roles.sql')], {
    ...server,
    PGUSER: 'postgres',
  })

  return {
    addressOf,
    query,
    command: (words, { role = 'coda_mcp_owner', keys } = {}) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...words], {
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: addressOf(role),
          MCP_AUTH_SCHEMA: 'mcp_auth',
          ...(keys === undefined ? {} : { MCP_AUTH_ENCRYPTION_KEYS: keys }),
        },
        encoding: 'utf8',
      })
      return { code: status, said: `${stdout}${stderr}` }
    },
    grant: () => run('sh', [placed('postgres/grant.sh')], { ...server, PGUSER: 'coda_mcp_owner' }),
    close: async () => {
      await cluster.remove()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
