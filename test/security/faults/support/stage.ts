import type { RequestListener } from 'node:http'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { postgresTokenStore } from '@bestviable/mcp-auth-store-postgres'
import express from 'express'
import {
  createCodaStandIn,
  standInPath,
} from '../../../../examples/coda-mcp/src/stand-in/coda-stand-in.js'
import {
  type FrontProxy,
  startFrontProxy,
} from '../../../../examples/coda-mcp/test/support/front-proxy.js'
import { listen } from '../../../../examples/coda-mcp/test/support/listen.js'
import {
  buildReplica,
  type Replica,
  startReplica,
} from '../../../../examples/coda-mcp/test/support/replica.js'
import { createCleanup } from '../../../../examples/coda-mcp/test/support/test-server.js'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type OpenidProvider,
  startOpenidProvider,
} from '../../../../packages/authorization-server/test/login/support/openid-provider.js'
import {
  type Cluster,
  serverEngines,
} from '../../../../packages/store-postgres/test/support/engines.js'
import {
  startProxy,
  type TcpProxy,
} from '../../../../packages/store-postgres/test/support/proxy.js'

/** The PostgreSQL of this machine; absent where there is none, which fails on CI. */
export const engine = serverEngines().find(({ skip }) => skip === undefined)

/** By night faults last as long as the catalogue says. */
export const isLong = process.env.SECURITY_LONG === '1'

const EMAIL = 'ann@example.com'

/** Options of the issuer, whose users are admitted as those of the authorization server are. */
export const ISSUER = {
  algorithm: 'ES256',
  audience: 'coda-mcp',
  scopes: ['coda.read'],
  email: EMAIL,
} as const

/** Options for {@link openStage}. */
export interface StageOptions {
  /** Default 2. */
  readonly replicas?: number | undefined
  /** Variables of the replicas beside those that every stage has. */
  readonly env?: Record<string, string> | undefined
  /** Goes before the stand-in for Coda, to hold or delay what reaches it. */
  readonly beforeCoda?: express.RequestHandler | undefined
  /** Issuer of the tokens that need no database. Default: one of its own. */
  readonly issuer?: TestIssuer | undefined
}

/**
 * The example server as it is deployed, in processes of their own: replicas on one PostgreSQL, with an
 * authorization server, an issuer elsewhere and a stand-in for Coda. The test process is the network
 * between them.
 */
export interface Stage {
  readonly cluster: Cluster
  /** Between the replicas and PostgreSQL. */
  readonly database: TcpProxy
  readonly issuer: TestIssuer
  /** Where people sign in. */
  readonly provider: OpenidProvider
  /** At the public URL of all replicas. */
  readonly front: FrontProxy
  readonly replicas: Replica[]
  /** Variables of every replica. */
  readonly env: Readonly<Record<string, string>>
  /** Keys of the database. */
  readonly encryptionKeys: string
  /** Starts another one and puts it behind the front. */
  startReplica(env?: Record<string, string>): Promise<Replica>
  /** Kills what still runs, and closes everything. */
  close(): Promise<void>
}

/** A stand-in for Coda, behind a handler that may hold what reaches it. */
async function startCoda(before: express.RequestHandler | undefined) {
  const app = express()
  if (before !== undefined) app.use(before)
  app.use(express.json(), createCodaStandIn({ settleMs: 60_000 }).router)
  return await listen(app as RequestListener)
}

/** People with a Coda token of their own, of whom each load asks for one after the other. */
export const USERS = 600
/** What somebody who signs in pastes. */
export const PASTED_TOKEN = 'canary-coda-pasted'

export const subjectOf = (user: number): string => `user-${user % USERS}`

async function storeCredentials(
  options: { readonly connectionString: string; readonly encryptionKeys: string },
  issuer: string,
): Promise<void> {
  const store = postgresTokenStore(options)
  const users = Array.from({ length: USERS }, (_, user) => user)
  const storeNext = async (): Promise<void> => {
    for (let user = users.pop(); user !== undefined; user = users.pop()) {
      const owner = { kind: 'user', issuer, subject: subjectOf(user) } as const
      await store.set({ provider: 'coda', owner }, { kind: 'api-key', secret: `canary-${user}` })
    }
  }
  await Promise.all([storeNext(), storeNext(), storeNext()])
  await store.close()
}

/** Opens a stage. Close it after the tests. */
export async function openStage(options: StageOptions = {}): Promise<Stage> {
  if (engine === undefined) throw new Error('no PostgreSQL')
  const { add, run } = createCleanup()
  const replicas: Replica[] = []
  try {
    await buildReplica()
    const cluster = await engine.startCluster()
    add({ close: () => cluster.remove() })
    const database = add(await startProxy(cluster))
    const issuer = add(options.issuer ?? createTestIssuer(ISSUER))
    await issuer.listen()
    const provider = add(await startOpenidProvider())
    provider.claims = { sub: 'ann', email: EMAIL, email_verified: true }
    const coda = add(await startCoda(options.beforeCoda))
    const front = add(await startFrontProxy())
    const encryptionKeys = generateEncryptionKey()
    const connectionString = cluster.connectionString()
    await storeCredentials({ connectionString, encryptionKeys }, issuer.issuer)
    const env: Record<string, string> = {
      PUBLIC_URL: front.origin,
      CODA_API_BASE_URL: `${coda.origin}${standInPath}`,
      OIDC_ISSUER: issuer.issuer,
      OIDC_AUDIENCE: ISSUER.audience,
      OAUTH_PROVIDER: 'oidc',
      OAUTH_ISSUER: provider.issuer,
      OAUTH_CLIENT_ID: CLIENT_ID,
      OAUTH_CLIENT_SECRET: CLIENT_SECRET,
      ALLOWED_EMAILS: EMAIL,
      TOKEN_STORE: 'postgres',
      CODA_CREDENTIALS: 'user',
      // Nobody is served from memory while the database is away, so that its outage shows.
      STORE_OUTAGE_SECONDS: '0',
      DATABASE_URL: database.connectionString(connectionString),
      MCP_AUTH_ENCRYPTION_KEYS: encryptionKeys,
      ...options.env,
    }
    const stage: Stage = {
      cluster,
      database,
      issuer,
      provider,
      front,
      replicas,
      env,
      encryptionKeys,
      async startReplica(more = {}) {
        const replica = await startReplica({ ...env, ...more })
        replicas.push(replica)
        front.add(replica)
        return replica
      },
      async close() {
        for (const replica of replicas.splice(0)) await replica.kill('SIGKILL')
        await run()
      },
    }
    for (let count = options.replicas ?? 2; count > 0; count--) await stage.startReplica()
    return stage
  } catch (error) {
    for (const replica of replicas) await replica.kill('SIGKILL')
    await run()
    throw error
  }
}
