import { afterEach, describe, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/security/support/figures.js'
import { clientV1, clientV2, clientV2Modern, type McpClient } from './mcp-clients.js'
import { MCP_APPS, type McpApp, sdkV1Stateful, sdkV2 } from './mcp-servers.js'
import { headersFor, initialize, post } from './plain-http.js'
import { createStage } from './protected-server.js'

const stage = createStage()
afterEach(() => stage.stop())

/** Holds the calls of a tool until the given number of them has arrived. */
function createBarrier(count: number) {
  let arrived = 0
  let open: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  return async (): Promise<void> => {
    arrived += 1
    if (arrived === count) open()
    await gate
  }
}

/** Remembers the JSON-RPC id of each tool call on its way out. */
function createIdRecorder() {
  const ids: unknown[] = []
  const recording: typeof globalThis.fetch = (input, init) => {
    const body: unknown = init?.body
    const message: unknown = typeof body === 'string' ? JSON.parse(body) : undefined
    if (typeof message === 'object' && message !== null && 'method' in message) {
      if (message.method === 'tools/call') ids.push(Reflect.get(message, 'id'))
    }
    return fetch(input, init)
  }
  return { ids, recording }
}

describe('two callers at the same time', () => {
  const cases: [string, McpApp, McpClient][] = [
    ...MCP_APPS.flatMap(([name, app]) =>
      [clientV1, clientV2].map((client): [string, McpApp, McpClient] => [
        `${name}, ${client.name}`,
        app,
        client,
      ]),
    ),
    [`SDK v2, ${clientV2Modern.name}`, sdkV2, clientV2Modern],
  ]

  it.each(cases)(
    'P21 get their own results for the same JSON-RPC id: %s',
    async (name, app, client) => {
      const names = ['ann', 'bob']
      const server = await stage.start({ app, during: createBarrier(names.length) })
      const callers = await Promise.all(
        names.map(async (sub) => {
          const { ids, recording } = createIdRecorder()
          const token = await server.token({ sub })
          const session = client.open(server.url, { token, fetch: recording })
          stage.later(() => session.close())
          await session.connect()
          return { sub, token, session, ids }
        }),
      )
      const answers = await Promise.all(
        callers.map(({ session, sub }) => session.call('echo', `text of ${sub}`)),
      )
      expect(callers[0]?.ids).toHaveLength(1)
      expect(callers[0]?.ids).toEqual(callers[1]?.ids)
      for (const [index, { sub, token }] of callers.entries()) {
        expect(answers[index]).toMatchObject({
          subject: sub,
          text: `text of ${sub}`,
          tokenEnd: token.slice(-8),
        })
      }
      recordFigure({
        id: 'R22',
        part: `same-id-${name.replaceAll(/\W+/g, '-')}`,
        values: { 'pairs with one JSON-RPC id': 1, 'answers for somebody else': 0 },
        isMet: true,
        method: 'Two callers use one JSON-RPC id at the same time, on each transport of both SDKs.',
      })
    },
  )
})

describe('the session of another user', () => {
  async function openSession() {
    const server = await stage.start({ app: sdkV1Stateful })
    const annToken = await server.token({ sub: 'ann', client_id: 'shared' })
    const opened = await post(server.url, initialize('2025-11-25'), headersFor(annToken))
    const sessionId = opened.headers['mcp-session-id']
    if (typeof sessionId !== 'string') throw new Error('no session')
    const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'whoami' } }
    const use = (token: string, id = sessionId) =>
      post(server.url, call, { ...headersFor(token, '2025-11-25'), 'mcp-session-id': id })
    return { ...server, annToken, sessionId, use }
  }

  it('P26 is 404 to a good token of someone else, although the client is the same', async () => {
    const { use, token, annToken, events } = await openSession()
    const answer = await use(await token({ sub: 'bob', client_id: 'shared' }))
    expect(answer.status).toBe(404)
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(answer.text).not.toContain('ann')
    expect(events.at(-1)).toMatchObject({ reason: 'session_of_another' })
    expect((await use(annToken)).text).toContain('ann')
  })

  it('P26 cannot be ended by someone else', async () => {
    const { url, use, token, annToken, sessionId } = await openSession()
    const headers = {
      ...headersFor(await token({ sub: 'bob' }), '2025-11-25'),
      'mcp-session-id': sessionId,
    }
    expect((await post(url, undefined, headers)).status).toBe(404)
    expect((await use(annToken)).status).toBe(200)
  })

  it('goes on with the next token of its owner, and with none of its own', async () => {
    const { url, use, token, sessionId } = await openSession()
    expect((await use(await token({ sub: 'ann', client_id: 'other' }))).text).toContain('ann')
    const without = { 'content-type': 'application/json', 'mcp-session-id': sessionId }
    expect((await post(url, initialize('2025-11-25'), without)).status).toBe(401)
  })

  it('P26 is 404 after one character was changed', async () => {
    const { use, annToken, sessionId } = await openSession()
    const last = sessionId.endsWith('A') ? 'B' : 'A'
    expect((await use(annToken, sessionId.slice(0, -1) + last)).status).toBe(404)
  })
})
