import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Binaries, embeddedBinaries, machineBinaries } from './binaries.js'
import { type Cluster, type ClusterOptions, createCluster } from './cluster.js'
import { fillWithPglite } from './prepared-folders.js'

export type { Cluster } from './cluster.js'

/** An empty database of one test. */
export interface TestDatabase {
  /** Spread into `createDatabase` or `postgresTokenStore`. */
  readonly options: { readonly connectionString: string } | { readonly dataDir: string }
  /** Absent for PGlite. */
  readonly connectionString?: string
  drop(): Promise<void>
}

/** A database engine that suites run on. */
export interface TestEngine {
  readonly name: string
  readonly kind: 'postgres' | 'pglite'
  /** Why this engine cannot run here. */
  readonly skip?: string
  createDatabase(): Promise<TestDatabase>
}

/** A PostgreSQL that tests may stop, kill and start again. */
export interface ServerEngine {
  readonly name: string
  readonly skip?: string
  startCluster(options?: ServerOptions): Promise<Cluster>
}

/** What a test wants of its own server. */
export type ServerOptions = Omit<ClusterOptions, 'folder' | 'account'>

/** Nothing that PostgreSQL-compatible engines and transaction pooling lack. */
export const portableProfile = { listen: false, locks: 'table', prepared: false } as const

const MACHINE = 'PostgreSQL of the machine'
const EMBEDDED = 'embedded PostgreSQL'

// On CI a missing engine is a failure: a suite that quietly ran on less proves less.
const isCi = /^(?:1|true)$/i.test(process.env.CI ?? '')

const announced = new Set<string>()

function announce(text: string): void {
  if (announced.has(text)) return
  announced.add(text)
  process.stderr.write(`[test engine] ${text}\n`)
}

function availability(name: string, binaries: Binaries): { readonly skip?: string } {
  if (!('missing' in binaries)) return {}
  announce(`${name}: not here: ${binaries.missing}`)
  return isCi ? {} : { skip: binaries.missing }
}

function serverEngine(name: string, find: () => Binaries): ServerEngine {
  let binaries: Binaries | undefined
  const found = () => {
    binaries ??= find()
    return binaries
  }
  return {
    name,
    ...availability(name, found()),
    async startCluster(options) {
      const available = found()
      if ('missing' in available) throw new Error(`${name}: ${available.missing}`)
      const { folder, account, version } = available
      const cluster = await createCluster({ folder, account, ...options })
      announce(`${name} ${version}`)
      return cluster
    },
  }
}

/** Runs a statement on a connection of its own. */
export async function runOnce(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function createOnServer(address: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await runOnce(address, `CREATE DATABASE ${name}`)
  const url = new URL(address)
  url.pathname = `/${name}`
  return {
    options: { connectionString: url.href },
    connectionString: url.href,
    drop: () => runOnce(address, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

/** Tests share one server per engine and process; it ends with the process. */
function sharedServer(engine: ServerEngine): TestEngine {
  let cluster: Promise<Cluster> | undefined
  return {
    name: engine.name,
    kind: 'postgres',
    ...(engine.skip === undefined ? {} : { skip: engine.skip }),
    async createDatabase() {
      cluster ??= engine.startCluster()
      return createOnServer((await cluster).connectionString())
    },
  }
}

/** A server that somebody else runs: a container, a managed or a distributed PostgreSQL. */
function givenServer(address: string): TestEngine {
  return {
    name: 'TEST_DATABASE_URL',
    kind: 'postgres',
    createDatabase() {
      announce('server of TEST_DATABASE_URL')
      return createOnServer(address)
    },
  }
}

const pglite: TestEngine = {
  name: 'PGlite',
  kind: 'pglite',
  async createDatabase() {
    announce('PGlite')
    const home = await mkdtemp(join(tmpdir(), 'mcp-auth-pglite-'))
    const dataDir = join(home, 'data')
    fillWithPglite(dataDir)
    return {
      options: { dataDir },
      drop: () => rm(home, { recursive: true, force: true }),
    }
  },
}

let servers: readonly ServerEngine[] | undefined
let engines: readonly TestEngine[] | undefined

/** PostgreSQL servers that a test may start for itself. */
export function serverEngines(): readonly ServerEngine[] {
  servers ??= [serverEngine(MACHINE, machineBinaries), serverEngine(EMBEDDED, embeddedBinaries)]
  return servers
}

/** Starts a PostgreSQL of one's own, of the first installation that runs here or of the one named. */
export function startCluster(name?: string, options?: ServerOptions): Promise<Cluster> {
  const engine = serverEngines().find((each) =>
    name === undefined ? each.skip === undefined : each.name === name,
  )
  if (engine === undefined) throw new Error(`no server engine ${JSON.stringify(name)}`)
  return engine.startCluster(options)
}

/** By day the first server that runs; every one by night, or where none does, so that it is said why. */
function chosenServers(): readonly ServerEngine[] {
  const first = serverEngines().find(({ skip }) => skip === undefined)
  return first === undefined || process.env.TEST_ALL_PROFILES === '1' ? serverEngines() : [first]
}

/**
 * Every engine that suites run on. Where a container engine answers, start a server with it and set
 * `TEST_DATABASE_URL`: nothing here needs to know how a server was started.
 */
export function testEngines(): readonly TestEngine[] {
  const address = process.env.TEST_DATABASE_URL
  engines ??= [
    ...(address === undefined || address === '' ? [] : [givenServer(address)]),
    ...chosenServers().map(sharedServer),
    pglite,
  ]
  return engines
}
