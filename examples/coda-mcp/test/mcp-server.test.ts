import { afterEach, describe, expect, it } from 'vitest'
import { codaTools } from '../src/tools/index.js'
import {
  codaScopes,
  impliedScopes,
  initialScopes,
  scopeOf,
  scopesByTool,
} from '../src/tools/scopes.js'
import { createFakeClock } from './support/fake-clock.js'
import {
  codaToken,
  connect,
  type RunningApp,
  sdkVersions,
  startApp,
  type TestClient,
} from './support/mcp.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'

const table = { docId: 'SampleDoc1', tableIdOrName: 'grid-tasks' }
const open: { close(): Promise<void> }[] = []

async function keep<Closable extends { close(): Promise<void> }>(
  promise: Promise<Closable>,
): Promise<Closable> {
  const closable = await promise
  open.unshift(closable)
  return closable
}

async function start(
  setup: Parameters<typeof startApp>[0] = {},
  options: Parameters<typeof startStandIn>[0] = {},
): Promise<{ standIn: RunningStandIn; app: RunningApp; client: TestClient }> {
  const standIn = await keep(startStandIn(options))
  const app = await keep(startApp({ codaBaseUrl: standIn.baseUrl, ...setup }))
  const client = await keep(connect(app.origin, 'v1'))
  return { standIn, app, client }
}

function codedError(code: string, members: Record<string, unknown> = {}): Error {
  return Object.assign(new Error('canary-internal-detail'), { code, ...members })
}

afterEach(async () => {
  for (const closable of open.splice(0)) await closable.close()
})

describe('tools and scopes', () => {
  it('needs coda.read for reading tools, coda.share for sharing and coda.write for all others', () => {
    const needing = (scope: string) =>
      codaTools.filter((tool) => scopeOf(tool) === scope).map(({ name }) => name)
    expect(needing('coda.share')).toEqual([
      'coda_add_permission',
      'coda_delete_permission',
      'coda_update_acl_settings',
      'coda_publish_document',
      'coda_unpublish_document',
    ])
    const reading = codaTools.filter(({ annotations }) => annotations.readOnlyHint)
    expect(needing('coda.read')).toEqual(reading.map(({ name }) => name))
    expect(needing('coda.write')).toHaveLength(codaTools.length - reading.length - 5)
    expect(needing('coda.write')).toEqual(
      expect.arrayContaining(['coda_upsert_rows', 'coda_push_button', 'coda_trigger_automation']),
    )
    expect(scopesByTool(codaTools).coda_delete_row).toEqual(['coda.write'])
  })

  it('lets no scope but coda.share itself stand for coda.share', () => {
    expect(Object.values(impliedScopes).flat()).not.toContain('coda.share')
    expect(initialScopes).not.toContain('coda.share')
    for (const tool of codaTools) expect(Object.keys(codaScopes)).toContain(scopeOf(tool))
  })

  it('offers no tool twice', () => {
    const names = codaTools.map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
  })

  it('sends nothing but GET to Coda for a tool that needs coda.read', async () => {
    const { standIn, client } = await start()
    const requestId = 'mutate:unknown'
    const inputs: Record<string, unknown> = {
      ...table,
      pageIdOrName: 'Plan',
      rowIdOrName: 'i-book',
    }
    for (const tool of codaTools.filter(({ annotations }) => annotations.readOnlyHint)) {
      const known = Object.entries({ ...inputs, requestId, timeoutSeconds: 1 })
      const input = known.filter(([name]) => name in tool.inputSchema.shape)
      expect((await client.call(tool.name, Object.fromEntries(input))).text).not.toBe('')
    }
    expect(new Set(standIn.received.map(({ method }) => method))).toEqual(new Set(['GET']))
  })

  it('leaves out every writing tool when READ_ONLY is set', async () => {
    const { standIn, client } = await start({ env: { READ_ONLY: 'true' } })
    const names = (await client.tools()).map(({ name }) => name)
    expect(names).toContain('coda_list_rows')
    const writing = codaTools.filter(({ annotations }) => !annotations.readOnlyHint)
    expect(names).toHaveLength(codaTools.length - writing.length)
    expect(names.filter((name) => writing.some((tool) => tool.name === name))).toEqual([])
    expect(names.filter((name) => /upsert|update|delete|add|publish|push/.test(name))).toEqual([])
    const refused = client.call('coda_delete_row', { ...table, rowIdOrName: 'i-book' })
    await expect(refused).rejects.toThrow(/coda_delete_row not found/)
    expect(standIn.received).toEqual([])
  })
})

describe('credentials', () => {
  it.each(sdkVersions)(
    'asks for the credential of the verified caller, SDK %s',
    async (version) => {
      const standIn = await keep(startStandIn({ acceptsToken: (token) => token === 'coda-of-ann' }))
      const app = await keep(
        startApp({
          codaBaseUrl: standIn.baseUrl,
          credentialFor: (ctx) => `coda-of-${ctx.http?.authInfo?.token}`,
        }),
      )
      const ann = await keep(connect(app.origin, version, 'ann'))
      const bob = await keep(connect(app.origin, version, 'bob'))
      expect((await ann.call('coda_whoami')).isError).toBe(false)
      expect((await bob.call('coda_whoami')).meta.code).toBe('coda_unauthorized')
    },
  )

  it('names the connect page when no credential is stored', async () => {
    const connectUrl = 'https://mcp.example.com/account'
    const { standIn, client } = await start({
      credentialFor: () => Promise.reject(codedError('ERR_CREDENTIAL_REQUIRED', { connectUrl })),
    })
    const result = await client.call('coda_whoami')
    expect(result).toMatchObject({ isError: true, meta: { code: 'credential_required' } })
    expect(result.text).toContain(`open ${connectUrl} and connect Coda`)
    expect(standIn.received).toEqual([])
  })

  it('asks the operator when there is no connect page', async () => {
    const { client } = await start({
      credentialFor: () => Promise.reject(codedError('ERR_CREDENTIAL_REQUIRED')),
    })
    expect((await client.call('coda_whoami')).text).toMatch(/Ask the operator/)
  })

  it.each(sdkVersions)(
    'reports a store outage as one, never as a prompt to connect, SDK %s',
    async (version) => {
      const app = await keep(
        startApp({ credentialFor: () => Promise.reject(codedError('ERR_STORE_UNAVAILABLE')) }),
      )
      const client = await keep(connect(app.origin, version))
      const result = await client.call('coda_whoami')
      expect(result).toMatchObject({
        isError: true,
        meta: { code: 'store_unavailable', retryable: true },
      })
      expect(result.text).toMatch(/^store_unavailable: .*Try again/)
      expect(result.text).not.toMatch(/connect|http/i)
    },
  )

  it('tells nothing about any other failure, and logs it', async () => {
    const { app, client } = await start({
      credentialFor: () => Promise.reject(codedError('ERR_STORE_INTEGRITY')),
    })
    const result = await client.call('coda_whoami')
    expect(result).toMatchObject({ isError: true, meta: { code: 'server_error' } })
    expect(result.text).not.toContain('canary-internal-detail')
    expect(app.log.join('')).toContain('canary-internal-detail')
  })
})

describe('isolation', () => {
  it('P21 gives each of two concurrent clients with equal JSON-RPC ids its own result', async () => {
    const standIn = await keep(startStandIn())
    const app = await keep(
      startApp({
        codaBaseUrl: standIn.baseUrl,
        // The first caller's answer comes after the second one's.
        credentialFor: async (ctx) => {
          const caller = ctx.http?.authInfo?.token
          if (caller === 'one') await second
          else release()
          return codaToken
        },
      }),
    )
    let release = (): void => {}
    const second = new Promise<void>((resolve) => {
      release = resolve
    })
    const post = async (bearer: string, docId: string): Promise<unknown> => {
      const response = await fetch(`${app.origin}/mcp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${bearer}`,
          accept: 'application/json, text/event-stream',
          'content-type': 'application/json',
          'mcp-protocol-version': '2025-06-18',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 7,
          method: 'tools/call',
          params: { name: 'coda_get_document', arguments: { docId } },
        }),
      })
      expect(response.headers.get('content-type')).toContain('application/json')
      return await response.json()
    }
    const answers = await Promise.all([post('one', 'SampleDoc1'), post('two', 'SampleDoc2')])
    expect(answers).toMatchObject([
      { id: 7, result: { structuredContent: { id: 'SampleDoc1' } } },
      { id: 7, result: { structuredContent: { id: 'SampleDoc2' } } },
    ])
  })

  it.each(sdkVersions)('P24 never sends the inbound token to Coda, SDK %s', async (version) => {
    const inbound = 'canary-inbound-token-77aa'
    const standIn = await keep(startStandIn())
    const app = await keep(startApp({ codaBaseUrl: standIn.baseUrl }))
    const client = await keep(connect(app.origin, version, inbound))
    await client.call('coda_whoami')
    await client.call('coda_upsert_rows', {
      ...table,
      rows: [{ cells: [{ column: 'c-task', value: 'x' }] }],
    })
    expect(standIn.received).toHaveLength(2)
    for (const request of standIn.received) {
      expect(JSON.stringify(request)).not.toContain(inbound)
      expect(request.headers.authorization).toBe(`Bearer ${codaToken}`)
    }
    expect(JSON.stringify(standIn.docs)).not.toContain(inbound)
  })

  it('P07 writes no credential to log or answers, at debug level and after failures', async () => {
    const { standIn, app, client } = await start()
    standIn.faults.next({ kind: 'status', status: 400, message: `no ${codaToken}` })
    const failed = await client.call('coda_whoami')
    standIn.faults.next({ kind: 'html' })
    await client.call('coda_whoami')
    await fetch(`${app.origin}/mcp?access_token=canary-query-token`, {
      headers: {
        authorization: 'Bearer canary-inbound-token',
        cookie: 'CF_Authorization=canary-cookie',
        'cf-access-jwt-assertion': 'canary-assertion',
        'cf-access-client-secret': 'canary-secret',
      },
    })
    expect(failed.text).toContain('[redacted]')
    expect(app.log.length).toBeGreaterThan(4)
    expect(app.log.join('') + failed.text).not.toMatch(/canary/)
  })
})

describe('wait', () => {
  const edit = { ...table, rows: [{ cells: [{ column: 'c-task', value: 'New' }] }], wait: true }

  it('says "queued, not confirmed" when Coda takes longer, which is no error', async () => {
    const clock = createFakeClock()
    const { client, standIn } = await start({ clock }, { now: clock.now, settleMs: 120_000 })
    const result = await client.call('coda_upsert_rows', edit)
    expect(result).toMatchObject({ isError: false, structured: { status: 'queued' } })
    expect(result.text).toMatch(/queued, not confirmed.*coda_wait_for_mutation/)
    expect(clock.sleeps.reduce((sum, ms) => sum + ms, 0)).toBe(30_000)
    expect(standIn.received.length).toBeLessThan(15)
  })

  it('survives the 404 that Coda gives for the status of a new change', async () => {
    const clock = createFakeClock()
    const { client } = await start({ clock }, { now: clock.now, settleMs: 3_000, unknownMs: 2_000 })
    const result = await client.call('coda_upsert_rows', edit)
    expect(result.structured).toMatchObject({ status: 'completed' })
  })

  it('survives an outage while it waits', async () => {
    const clock = createFakeClock()
    const { client, standIn } = await start({ clock }, { now: clock.now, settleMs: 9_000 })
    clock.onSleep = () => {
      clock.onSleep = () => {}
      standIn.faults.next({ kind: 'status', status: 503 }, 3)
    }
    const result = await client.call('coda_upsert_rows', edit)
    expect(result.structured).toMatchObject({ status: 'completed' })
  })

  it('ends with what is known when the server shuts down', async () => {
    const clock = createFakeClock()
    const { app, client } = await start({ clock }, { now: clock.now, settleMs: 120_000 })
    let drained: Promise<void> | undefined
    clock.onSleep = () => {
      drained ??= app.drain.begin(app.server)
    }
    const result = await client.call('coda_upsert_rows', edit)
    await client.close()
    await drained
    expect(result).toMatchObject({ isError: false, structured: { status: 'queued' } })
    expect(clock.sleeps).toHaveLength(1)
  })

  it('reports a change that Coda has forgotten as not confirmed', async () => {
    const clock = createFakeClock()
    const { client } = await start({ clock }, { now: clock.now })
    const input = { requestId: 'mutate:forgotten', timeoutSeconds: 3 }
    const result = await client.call('coda_wait_for_mutation', input)
    expect(result).toMatchObject({ isError: false, structured: { status: 'queued' } })
  })
})
