import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chownSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { findFreePort } from '../../../../.ci/free-port.mjs'
import type { Account } from './binaries.js'
import { copyFolder, keepFolder } from './prepared-folders.js'

/** What a cluster runs on. */
export interface ClusterOptions {
  readonly folder: string
  readonly account: Account
  /** Server settings, for example `{ max_connections: '8' }`. */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Lines before the default of pg_hba.conf, which trusts everyone on loopback. */
  readonly authentication?: readonly string[] | undefined
  /** Files put into the data folder, readable by the server only. */
  readonly files?: Readonly<Record<string, string>> | undefined
}

/** A PostgreSQL server of this process, on 127.0.0.1 only. */
export interface Cluster {
  readonly port: number
  /** Address of a database, as the superuser `postgres`. */
  connectionString(database?: string): string
  /** Fast shutdown: open connections end with 57P01. */
  stop(): Promise<void>
  /** SIGKILL of the postmaster. */
  kill(): Promise<void>
  /** Starts it again after `stop` or `kill`, on the same port. */
  start(): Promise<void>
  /** What the server logged, with all its statements. */
  log(): string
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

const START_MILLISECONDS = 30_000

// Ends the server and removes its folder when this process is gone, however it ended: its end closes
// the standard input. The command line is compared first, since a process id may have a new owner.
const WATCHDOG = `
cat > /dev/null
pid=$(head -n 1 "$0/data/postmaster.pid" 2> /dev/null)
if [ -n "$pid" ]; then
  command=$(tr '\\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null || ps -o command= -p "$pid" 2> /dev/null)
  case "$command" in *"$0/data"*) kill -QUIT "$pid"; sleep 0.3 ;; esac
fi
rm -rf "$0"
`

function run(file: string, parameters: readonly string[], account: Account): void {
  const answer = spawnSync(file, parameters, { ...account, cwd: '/', encoding: 'utf8' })
  if (answer.status === 0) return
  throw new Error(`${file} failed: ${answer.error?.message ?? answer.stderr.slice(-2000)}`)
}

/** A cluster as `initdb` makes it, made once for each installation and account. */
function initialisedFolder(
  { folder, account }: ClusterOptions,
  give: (path: string) => void,
): string {
  const initdb = join(folder, 'initdb')
  const { size, mtimeMs } = statSync(initdb)
  const facts = [initdb, size, mtimeMs, account.uid, account.gid].join(' ')
  const digest = createHash('sha256').update(facts).digest('hex').slice(0, 16)
  return keepFolder(`cluster-${digest}`, (draft) => {
    // The account of the server may not come to where the folder is kept.
    const home = mkdtempSync(join(tmpdir(), 'mcp-auth-initdb-'))
    give(home)
    const data = join(home, 'data')
    run(
      initdb,
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
      account,
    )
    copyFolder(data, draft)
    rmSync(home, { recursive: true })
  })
}

function createDataFolder(options: ClusterOptions): string {
  const home = mkdtempSync(join(tmpdir(), 'mcp-auth-postgres-'))
  const { uid, gid } = options.account
  const give = (path: string) => {
    if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
  }
  give(home)
  const data = join(home, 'data')
  copyFolder(initialisedFolder(options, give), data)
  const rules = [...(options.authentication ?? []), 'host all all 127.0.0.1/32 trust', '']
  writeFileSync(join(data, 'pg_hba.conf'), rules.join('\n'))
  for (const [name, content] of Object.entries(options.files ?? {})) {
    writeFileSync(join(data, name), content, { mode: 0o600 })
    give(join(data, name))
  }
  return home
}

/** Makes and starts a cluster in a temporary folder, without fsync. */
export async function createCluster(options: ClusterOptions): Promise<Cluster> {
  const home = createDataFolder(options)
  const port = await findFreePort()
  const logFile = join(home, 'log')
  let server: ChildProcess | undefined
  const watchdog = spawn('sh', ['-c', WATCHDOG, home], {
    ...options.account,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watchdog.unref()

  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    fsync: 'off',
    shared_buffers: '16MB',
    lc_messages: 'C',
    log_statement: 'all',
    ...options.settings,
  }
  const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const connectionString = (database = 'postgres') =>
    `postgresql://postgres@127.0.0.1:${port}/${encodeURIComponent(database)}`

  async function isReady(): Promise<boolean> {
    const client = new pg.Client({ connectionString: connectionString(), ssl: false })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('SELECT 1')
      return true
    } catch {
      return false
    } finally {
      await client.end()
    }
  }

  async function end(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    const child = server
    server = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
      child.kill(signal)
    })
  }

  const cluster: Cluster = {
    port,
    connectionString,
    async start() {
      const deadline = Date.now() + START_MILLISECONDS
      while (Date.now() < deadline) {
        if (server === undefined || server.exitCode !== null) {
          const log = openSync(logFile, 'a')
          server = spawn(
            join(options.folder, 'postgres'),
            ['-D', join(home, 'data'), ...parameters],
            { ...options.account, cwd: '/', detached: true, stdio: ['ignore', log, log] },
          )
          server.on('error', () => {})
          server.unref()
        }
        if (await isReady()) return
        await delay(20)
      }
      throw new Error(`PostgreSQL did not start: ${cluster.log().slice(-2000)}`)
    },
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    log: () => readFileSync(logFile, 'utf8'),
    async remove() {
      await end('SIGINT')
      watchdog.stdin?.end()
      rmSync(home, { recursive: true, force: true })
    },
  }
  await cluster.start()
  return cluster
}
