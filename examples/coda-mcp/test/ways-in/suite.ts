import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { findFreePort } from '../support/free-port.js'
import { challengeOf, post, sampleUpsert } from '../support/http-calls.js'
import { openSession } from '../support/mcp.js'
import { type SdkVersion, sdkVersions } from '../support/sdk-versions.js'
import type { RunningStandIn } from '../support/stand-in.js'
import { createCleanup, type TestServer } from '../support/test-server.js'
import type { Fault, Headers, Name, WayIn } from './way-in.js'

/** Servers that the suite starts; they share a stand-in for Coda. */
export interface Ground {
  start(env: Readonly<Record<string, string>>): Promise<TestServer>
  readonly coda: () => RunningStandIn
}

const faults: readonly Fault[] = [
  'expired',
  'of another audience',
  'of another issuer',
  'of another signer',
]
/** What the log says of each. Access knows one issuer only; a token without claims is of none. */
const reasons: Readonly<Record<Fault, readonly string[]>> = {
  expired: ['token_expired'],
  'of another audience': ['audience_mismatch'],
  'of another issuer': ['issuer_unknown', 'issuer_mismatch'],
  'of another signer': ['unknown_key', 'issuer_unknown'],
}
const wellKnown = '/.well-known/oauth-protected-resource/mcp'

let described = 0

/** The clients of the next way in: by day one, a different one for each way that is described. */
function nextClients(): readonly SdkVersion[] {
  const turn = described % sdkVersions.length
  described += 1
  return isLongForm ? sdkVersions : sdkVersions.slice(turn, turn + 1)
}

/** The reason of the one refusal in these lines of the log. */
function refusalIn(lines: readonly string[]): unknown {
  const found = lines
    .flatMap((line) => line.split('\n'))
    .filter((line) => line.includes('"msg":"caller refused"'))
  expect(found).toHaveLength(1)
  return JSON.parse(found[0] ?? '').reason
}

async function listTools(resource: string, headers: Headers = {}): Promise<Response> {
  return await post(resource, 'tools/list', { headers: { ...headers } })
}

async function callTool(
  resource: string,
  headers: Headers,
  name: string,
  input: object = {},
): Promise<Response> {
  const params = { name, arguments: input }
  return await post(resource, 'tools/call', { headers: { ...headers }, params })
}

/**
 * What every way in has to do, on a server that is started with its variables. A case that cannot exist
 * for a way in says why.
 */
export function describeWayIn(create: () => WayIn, title: string, ground: Ground): void {
  describe(title, () => {
    const { add, run } = createCleanup()
    let way: WayIn
    let server: TestServer
    let resource: string

    beforeAll(async () => {
      way = create()
      server = add(await ground.start(way.env()))
      resource = (await way.resource?.(server)) ?? server.resource
    })
    afterAll(run)

    it('is named by /health', async () => {
      expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
        status: 'ok',
        auth: {
          provider: way.provider,
          providers: [way.provider],
          oauth_compliant: way.oauthCompliant,
        },
      })
    })

    it('says where clients sign in, or in JSON that there is no such place', async () => {
      const { authorizationServers, origin, metadataPath } = await way.discovery(server)
      const response = await fetch(`${origin ?? server.url}${metadataPath ?? wellKnown}`)
      expect(response.headers.get('content-type')).toMatch(/^application\/json/)
      if (authorizationServers.length === 0) {
        expect([response.status, await response.json()]).toMatchObject([404, {}])
        return
      }
      expect(await response.json()).toMatchObject({
        resource,
        authorization_servers: authorizationServers,
      })
      const metadata = await fetch(`${origin ?? server.url}/.well-known/oauth-authorization-server`)
      // Clients compare it with the first entry byte by byte, and want S256.
      expect(await metadata.json()).toMatchObject({
        issuer: authorizationServers[0],
        code_challenge_methods_supported: expect.arrayContaining(['S256']),
      })
    })

    it('challenges a request without a credential, and tells Coda nothing', async () => {
      const before = ground.coda().received.length
      const response = await post(resource, 'initialize')
      expect(response.status).toBe(401)
      const challenge = challengeOf(response)
      expect(challenge.error).toBeUndefined()
      const { origin } = new URL(resource)
      const expected = {
        metadata: `${server.url}${wellKnown}`,
        bare: undefined,
        'of the edge': `${origin}/.well-known/cloudflare-access-protected-resource/mcp`,
      }
      expect(challenge.resource_metadata).toBe(expected[way.challenge])
      expect(ground.coda().received).toHaveLength(before)
    })

    it.each(nextClients())('lets a client of SDK %s list, read and write', async (version) => {
      const headers = { ...(await way.credential(server)) }
      const client = openSession(resource, version, { requestInit: { headers } })
      await client.connect()
      try {
        expect((await client.tools()).map(({ name }) => name)).toContain('coda_upsert_rows')
        expect((await client.call('coda_whoami')).isError).toBe(false)
        const { structured } = await client.call('coda_upsert_rows', {
          ...sampleUpsert,
          wait: true,
        })
        expect(structured).toMatchObject({ status: 'completed' })
      } finally {
        await client.close()
      }
    })

    it('refuses to write for coda.read alone, and says what to ask for where it can be', async () => {
      const narrow = way.readOnlyEnv
      const on = narrow ? add(await ground.start({ ...way.env(), ...narrow })) : server
      const at = (narrow && (await way.resource?.(on))) ?? (narrow ? on.resource : resource)
      const headers = await way.credential(on, { scope: 'coda.read' })
      expect((await callTool(at, headers, 'coda_whoami')).status).toBe(200)
      const before = ground.coda().received.length
      const refused = await callTool(at, headers, 'coda_upsert_rows', sampleUpsert)
      expect(refused.status).toBe(403)
      expect(ground.coda().received).toHaveLength(before)
      if (way.canStepUp) {
        const { error, scope = '' } = challengeOf(refused)
        expect(error).toBe('insufficient_scope')
        expect(scope.split(' ')).toContain('coda.write')
      } else expect(refused.headers.get('www-authenticate')).toBeNull()
    })

    it.for(faults)('refuses a credential %s', async (fault, { skip }) => {
      const reason = way.impossible[fault]
      if (reason !== undefined) skip(reason)
      const headers = await way.faulty(server, fault)
      const before = ground.coda().received.length
      const logged = server.log.length
      expect((await callTool(resource, headers, 'coda_whoami')).status).toBe(401)
      expect(reasons[fault]).toContain(refusalIn(server.log.slice(logged)))
      expect(ground.coda().received).toHaveLength(before)
      const right = await way.credential(server)
      // A leap of the clock makes what is known of revocations too old, until it is read again.
      const status = async () => (await listTools(resource, right)).status
      await expect.poll(status, { timeout: 15_000, interval: 200 }).toBe(200)
    })

    it('applies the lists of who may call', async () => {
      for (const { env, admits } of way.lists) {
        const guarded = add(await ground.start({ ...way.env(), ...env }))
        const at = (await way.resource?.(guarded)) ?? guarded.resource
        for (const name of ['ann', 'eve'] as const) {
          // Who is not let in at a sign-in gets no credential at all.
          const headers = await way.credential(guarded, { name }).catch(() => undefined)
          const response = headers && (await listTools(at, headers))
          const came = `${name} with ${JSON.stringify(env)}: ${response?.status ?? 'kept out'}`
          expect(came).toMatch(admits[name] ? /200$/ : /403$|kept out$/)
          expect((await response?.text()) ?? '').not.toContain('example.com')
        }
      }
    })

    it('CODA_CREDENTIALS=user acts for each caller by a token of their own, and by no other', async () => {
      const env = { ...way.env(), CODA_CREDENTIALS: 'user', PORT: String(await findFreePort()) }
      const whoami = async (on: TestServer, name: Name): Promise<string | undefined> => {
        const at = (await way.resource?.(on)) ?? on.resource
        const headers = await way.credential(on, { name }).catch(() => undefined)
        return headers && (await (await callTool(at, headers, 'coda_whoami')).text())
      }
      const before = await ground.start(env)
      try {
        expect(await whoami(before, 'ann')).toContain('credential_required')
      } finally {
        await before.close()
      }
      // What the operator is told to set.
      const named = /"variable":"(CODA_API_TOKEN__[0-9A-F]{16})"/.exec(before.log.join(''))?.[1]
      const after = add(await ground.start({ ...env, [named ?? '']: 'coda-of-ann' }))
      // It has the address of the one before, to which connections may be left.
      const live = () => fetch(`${after.url}/health/live`).then(({ status }) => status, String)
      for (let calls = 0; calls < 5; calls++) await expect.poll(live).toBe(200)
      expect(await whoami(after, 'ann')).toContain('structuredContent')
      const { received } = ground.coda()
      expect(received.at(-1)?.headers.authorization).toBe('Bearer coda-of-ann')
      const calls = received.length
      expect((await whoami(after, 'eve')) ?? 'credential_required').toContain('credential_required')
      expect(received).toHaveLength(calls)
    })

    it('never takes an outage of the issuer for a bad credential', async () => {
      if (way.outage === undefined) {
        expect(way.provider).toBe('local-bearer')
        return
      }
      // No keys are known to it yet.
      const fresh = add(await ground.start(way.env()))
      const at = (await way.resource?.(fresh)) ?? fresh.resource
      const headers = await way.credential(fresh)
      await way.outage.begin()
      try {
        const response = await listTools(at, headers)
        expect(way.outage.statuses).toContain(response.status)
        expect(response.headers.get('www-authenticate')).toBeNull()
        if (response.status === 503) {
          expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
        }
        // Nobody has to be asked about this one.
        expect((await listTools(at)).status).toBe(401)
        expect((await fetch(`${fresh.url}/health/ready`)).status).toBe(200)
      } finally {
        await way.outage.end()
      }
      const status = async () => (await listTools(at, headers)).status
      await expect.poll(status, { timeout: 15_000, interval: 200 }).toBe(200)
    })
  })
}
