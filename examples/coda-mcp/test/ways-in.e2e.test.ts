import { existsSync, readFileSync } from 'node:fs'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type OpenidProvider,
  startOpenidProvider,
} from '../../../packages/authorization-server/test/login/support/openid-provider.js'
import {
  type Cluster,
  serverEngines,
} from '../../../packages/store-postgres/test/support/engines.js'
import { post } from './support/http-calls.js'
import { replaceOutside } from './support/outside.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'
import { createCleanup, startTestServer } from './support/test-server.js'
import { createAccessTeam } from './ways-in/access-team.js'
import { accessAtTheEdge, accessInFront } from './ways-in/access-way-in.js'
import { localBearerTokens } from './ways-in/bearer-way-in.js'
import { embeddedAuthorizationServer } from './ways-in/embedded-way-in.js'
import { anyOidc, stytchConnectedApps } from './ways-in/issuer-way-in.js'
import { createStytchProject } from './ways-in/stytch-project.js'
import { describeWayIn, type Ground } from './ways-in/suite.js'
import type { WayIn } from './ways-in/way-in.js'

// Each server with an authorization server migrates a database.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 })

const { add, run } = createCleanup()
const engine = serverEngines().find(({ skip }) => skip === undefined)
const audience = 'coda-mcp'
const stytch = createStytchProject()
const team = createAccessTeam()
let coda: RunningStandIn
let issuer: TestIssuer
let bearer: WayIn
let embedded: WayIn | undefined
/** Hosts of the outside world that do not answer at the moment. */
const down = new Set<string>()

/** Takes a host of the outside world away and brings it back. */
function outageOf(host: string): NonNullable<WayIn['outage']> {
  return {
    begin: () => void down.add(host),
    end: () => void down.delete(host),
    statuses: [503],
  }
}

beforeAll(async () => {
  coda = add(await startStandIn({ settleMs: 50 }))
  issuer = add(
    createTestIssuer({ algorithm: 'ES256', audience, scopes: ['coda.read', 'coda.write'] }),
  )
  await issuer.listen()
  const pages = Object.entries({ ...stytch.pages, ...team.pages }).map(([url, page]) => [
    url,
    async (): Promise<string> => {
      if (down.has(new URL(url).host)) throw new TypeError('fetch failed')
      return await page()
    },
  ])
  const outside = replaceOutside(Object.fromEntries(pages))
  add({ close: async () => outside.restore() })
  bearer = await localBearerTokens()
  if (engine === undefined) return
  const cluster: Cluster = await engine.startCluster()
  add({ close: () => cluster.stop() })
  const provider: OpenidProvider = add(await startOpenidProvider())
  embedded = embeddedAuthorizationServer({
    provider,
    connectionString: () => cluster.connectionString(),
    encryptionKeys: generateEncryptionKey(),
    // Its tokens are verified by keys it holds itself; what was revoked is in the database.
    outage: {
      begin: () => cluster.stop(),
      end: () => cluster.start(),
      statuses: [200, 503],
    },
  })
})
afterAll(run)

const ground: Ground = {
  coda: () => coda,
  start: async (env) =>
    await startTestServer({
      CODA_API_TOKEN: 'coda-token',
      CODA_API_BASE_URL: coda.baseUrl,
      ...env,
    }),
}

function present(way: WayIn | undefined): WayIn {
  if (way === undefined) throw new Error('this way in was not set up')
  return way
}

const accessParts = () => ({ team, outage: outageOf(new URL(team.issuer).host) })
const ways: readonly (readonly [title: string, create: () => WayIn])[] = [
  ['local Bearer', () => bearer],
  ['Stytch', () => stytchConnectedApps(stytch, outageOf(stytch.domain))],
  ['Cloudflare Access in front', () => accessInFront(accessParts())],
  ['Cloudflare Access does OAuth at the edge', () => accessAtTheEdge(accessParts(), add)],
  ['any OIDC', () => anyOidc(issuer, audience)],
]

for (const [title, create] of ways) describeWayIn(create, title, ground)

describe.skipIf(engine === undefined)('with a database', () => {
  describeWayIn(() => present(embedded), 'embedded authorization server', ground)
})

describe('all at once', () => {
  it('each keeps its callers, and its faults stay faults', async () => {
    const all = [
      ...(engine === undefined ? [] : [present(embedded)]),
      ...ways.map(([, make]) => make()),
    ]
    const env = Object.assign({}, ...all.map((way) => way.env()))
    // Whose tokens carry no address is admitted by the organisation.
    const lists = { ALLOWED_EMAILS: 'ann@example.com', ALLOWED_TENANTS: 'organization-test-ann' }
    const server = add(await ground.start({ ...env, ...lists }))
    const status = async (way: WayIn, headers: Readonly<Record<string, string>>) => {
      const resource = (await way.resource?.(server)) ?? server.resource
      return (await post(resource, 'tools/list', { headers: { ...headers } })).status
    }
    for (const way of all) {
      const came = await status(way, await way.credential(server))
      expect(`${way.title}: ${came}`).toBe(`${way.title}: 200`)
      const wrong = await status(way, await way.faulty(server, 'of another signer'))
      expect(`${way.title}: ${wrong}`).toBe(`${way.title}: 401`)
    }
    const { auth } = await (await fetch(`${server.url}/health`)).json()
    expect(auth).toMatchObject({
      provider: all[0]?.provider,
      providers: [...new Set(all.map(({ provider }) => provider))].sort(
        (left, right) => order.indexOf(left) - order.indexOf(right),
      ),
      oauth_compliant: true,
    })
  })
})

/** The main one first. */
const order = ['authorization-server', 'stytch', 'oidc', 'cloudflare-access', 'local-bearer']

const reference = new URL('../../../../shared/reference/providers-and-clients.md', import.meta.url)

// The reference is beside the repository, where it is present at all.
describe.skipIf(!existsSync(reference))('the stand-in for Stytch', () => {
  it('issues tokens of the shape that the reference records', async () => {
    const text = readFileSync(reference, 'utf8').split('\n## 2. Stytch')[1] ?? ''
    const row = (name: string): string =>
      text.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? ''
    const names = [
      ...row('Claims').matchAll(
        /`(iss|sub|aud|client_id|scope|exp|nbf|iat|jti|https:[^`]+)[^`]*`/g,
      ),
    ]
    expect(names.length).toBeGreaterThanOrEqual(10)
    const token = await stytch.token()
    const claims = decodeJwt(token)
    for (const [, name = ''] of names) expect(Object.keys(claims)).toContain(name)
    expect(row('alg / typ')).toContain('RS256 / `JWT`')
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'RS256', typ: 'JWT' })
    expect(claims).toMatchObject({
      aud: [stytch.projectId],
      client_id: expect.stringMatching(/^connected-app-/),
      sub: expect.stringMatching(/^member-/),
    })
    expect(row('Endpoints')).toContain('/v1/oauth2/token')
  })

  it('is also believed under the issuer of tokens from the shared host', async () => {
    const server = add(await ground.start(stytch.env))
    const token = await stytch.token({ iss: `stytch.com/${stytch.projectId}` })
    expect((await post(server.resource, 'tools/list', { token })).status).toBe(200)
    const other = await stytch.token({ iss: 'stytch.com/project-test-of-somebody-else' })
    expect((await post(server.resource, 'tools/list', { token: other })).status).toBe(401)
  })
})
