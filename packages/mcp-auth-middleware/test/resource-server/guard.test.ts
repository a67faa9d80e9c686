import { describe, expect, it } from 'vitest'
import { createMcpAuth } from '../../src/create-mcp-auth.js'
import {
  CredentialRequiredError,
  IssuerUnavailableError,
  StoreIntegrityError,
  StoreUnavailableError,
} from '../../src/errors.js'
import type { AuthEvent, RequestEvent } from '../../src/events.js'
import type { McpAuthOptions } from '../../src/mcp-auth-options.js'
import type { Principal } from '../../src/principal.js'
import type { GuardOptions } from '../../src/resource-server/guard.js'
import { parseMessage } from '../../src/resource-server/json-rpc-message.js'
import type { PreparedCredentials } from '../../src/resource-server/prepared-credentials.js'
import type { ResponseOutcome } from '../../src/resource-server/responses.js'
import type { TokenValidator } from '../../src/validators/validator.js'
import { principalOf, validatorOf, viewOf } from './fakes.js'

const METADATA = 'https://mcp.test/.well-known/oauth-protected-resource/mcp'

function acceptAll(scopes: string[], members: Partial<TokenValidator> = {}): TokenValidator {
  return validatorOf({ kind: 'accepted', principal: principalOf({ scopes }) }, members)
}

function start(validator: TokenValidator, options: Partial<McpAuthOptions> = {}) {
  const events: AuthEvent[] = []
  const auth = createMcpAuth({
    resource: 'https://mcp.test/mcp',
    validators: [validator],
    onEvent: (event) => events.push(event),
    ...options,
  })
  /** Walks the steps of an adapter; `undefined` when the handler would run. */
  const ask = async (
    message: unknown = { method: 'ping' },
    headers: Record<string, string> = {},
    guardOptions?: GuardOptions,
  ): Promise<ResponseOutcome | undefined> => {
    const view = viewOf({ authorization: 'Bearer token', ...headers })
    const outcome = await auth.guard(view, guardOptions)
    return outcome.kind === 'response' ? outcome : outcome.authorizeMessage?.(parseMessage(message))
  }
  return { auth, ask, events }
}

const call = (name: string) => ({ method: 'tools/call', params: { name } })
const challengeOf = (response: ResponseOutcome | undefined) => response?.headers['www-authenticate']

describe('scopes of the endpoint', () => {
  const scopes = { required: ['read'] }

  it.each([
    ['readonly', 403],
    ['read:all', 403],
    ['xread', 403],
    ['READ', 403],
    ['read', undefined],
  ])('J44 %s is answered %s where read is required', async (scope, status) => {
    const { ask } = start(acceptAll([scope]), { scopes })
    expect((await ask())?.status).toBe(status)
  })

  it('names the missing scope and the metadata in the challenge', async () => {
    const { ask, events } = start(acceptAll([]), { scopes })
    const response = await ask()
    expect(challengeOf(response)).toMatch(
      `Bearer error="insufficient_scope", scope="read", resource_metadata="${METADATA}"`,
    )
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ outcome: 'insufficient_scope', reason: 'scope_missing' })
  })

  it('counts implied scopes, in one direction', async () => {
    const implies = { write: ['read'] }
    const down = start(acceptAll(['write']), { scopes: { ...scopes, implies } })
    expect(await down.ask()).toBeUndefined()
    const up = start(acceptAll(['read']), { scopes: { required: ['write'], implies } })
    expect((await up.ask())?.status).toBe(403)
  })

  it('does not give the implied scopes to the handler', async () => {
    const { auth } = start(acceptAll(['write']), {
      scopes: { ...scopes, implies: { write: ['read'] } },
    })
    const outcome = await auth.guard(viewOf({ authorization: 'Bearer token' }))
    expect(outcome).toMatchObject({ kind: 'accepted', authInfo: { scopes: ['write'] } })
  })

  it('adds the scopes of one route to them', async () => {
    const { ask } = start(acceptAll(['read']), { scopes })
    const response = await ask(undefined, {}, { scopes: ['report'] })
    expect(challengeOf(response)).toContain('scope="read report"')
  })

  it.each<[string, Partial<TokenValidator>]>([
    ['whose scopes are fixed by configuration', { scopeSource: 'granted' }],
    ['whose issuer nobody can be sent to', { authorizationServers: [] }],
  ])('sends no challenge to a caller %s, who cannot step up', async (_, members) => {
    const { ask } = start(acceptAll([], members), { scopes })
    const response = await ask()
    expect(response).toMatchObject({
      status: 403,
      body: expect.stringContaining('insufficient_scope'),
    })
    expect(challengeOf(response)).toBeUndefined()
  })
})

describe('scopes of tools', () => {
  const scopes = {
    required: ['use'],
    tools: { get_row: [], delete_row: ['write'], purge: ['admin'] },
    otherTools: ['other'],
  }

  it.each([
    ['an open tool', call('get_row'), undefined],
    ['listing tools', { method: 'tools/list' }, undefined],
    ['a tool with a scope', call('delete_row'), 'use write'],
    ['a tool that nobody named', call('new_tool'), 'use other'],
    ['a call without a name', { method: 'tools/call' }, 'use other'],
    [
      'all tools of a batch in one challenge',
      [call('get_row'), call('delete_row'), call('purge')],
      'use write admin',
    ],
  ])('asks for the scopes of %s', async (_, message, scope) => {
    const { ask } = start(acceptAll(['use']), { scopes })
    const response = await ask(message)
    if (scope === undefined) expect(response).toBeUndefined()
    else expect(challengeOf(response)).toContain(`scope="${scope}"`)
  })

  it('reports one event for an accepted message, after the message was read', async () => {
    const { auth, events } = start(acceptAll(['use', 'write']), { scopes })
    const outcome = await auth.guard(viewOf({ authorization: 'Bearer token' }))
    expect(events).toEqual([])
    if (outcome.kind === 'accepted') outcome.authorizeMessage?.(parseMessage(call('delete_row')))
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ outcome: 'accepted', principal: { subject: 'ann' } })
  })

  it.each([
    [[], 400, 'batch_empty'],
    ['text', 400, 'message_not_object'],
  ])('refuses %j, whose scopes cannot be known', async (message, status, reason) => {
    const { ask, events } = start(acceptAll(['use']), { scopes })
    expect((await ask(message))?.status).toBe(status)
    expect(events[0]).toMatchObject({ outcome: 'bad_message', reason })
  })

  it('refuses a compressed body with 415', async () => {
    const { ask } = start(acceptAll(['use']), { scopes })
    expect((await ask(undefined, { 'content-encoding': 'gzip' }))?.status).toBe(415)
  })

  it('does not read bodies where the route says they are no messages', async () => {
    const { auth } = start(acceptAll(['use']), { scopes })
    const view = viewOf({ authorization: 'Bearer token' })
    const outcome = await auth.guard(view, { messages: false })
    expect(outcome).toMatchObject({ kind: 'accepted' })
    expect(outcome).not.toHaveProperty('authorizeMessage')
  })

  it.each(['GET', 'DELETE', 'HEAD'])('does not wait for the body of %s', async (method) => {
    const { auth } = start(acceptAll(['use']), { scopes })
    const outcome = await auth.guard(viewOf({ authorization: 'Bearer token' }, { method }))
    expect(outcome).not.toHaveProperty('authorizeMessage')
  })
})

describe('credentials that are resolved before the handler', () => {
  const credentials = (
    resolve: PreparedCredentials['resolve'],
    prefix = 'coda_',
  ): PreparedCredentials => ({ matches: (tool) => tool.startsWith(prefix), resolve })
  const fails = (error: unknown) => credentials(() => Promise.reject(error))
  const required = new CredentialRequiredError('coda', 'https://mcp.test/connect')
  const unavailable = new StoreUnavailableError('the store did not answer')
  const integrity = new StoreIntegrityError('the record cannot be opened')

  it('asks for the credential of the caller when a tool of theirs is called', async () => {
    const asked: Principal[] = []
    const { ask } = start(acceptAll([]), {
      credentials: [
        credentials(async (principal) => {
          asked.push(principal)
          return { kind: 'found' }
        }),
      ],
    })
    expect(await ask(call('other_tool'))).toBeUndefined()
    expect(await ask({ method: 'tools/list' })).toBeUndefined()
    expect(asked).toEqual([])
    expect(await ask(call('coda_get_row'))).toBeUndefined()
    expect(asked.map(({ subject }) => subject)).toEqual(['ann'])
  })

  it.each([
    [
      'X32 passes when none is stored, so that the tool can say it',
      [required],
      undefined,
      'accepted',
    ],
    ['X32 is 503 when the store is unavailable', [unavailable], 503, 'unavailable'],
    [
      'is 503 when the upstream issuer is unavailable',
      [new IssuerUnavailableError('https://coda.test', 5)],
      503,
      'unavailable',
    ],
    ['X32 is 500 when the record is damaged', [integrity], 500, 'server_error'],
    ['is 500 when it is a bug', [new TypeError('x')], 500, 'server_error'],
    ['is 500 when something that is no error is thrown', ['x'], 500, 'server_error'],
    ['is 503 whichever of two fails first', [required, unavailable], 503, 'unavailable'],
    ['is 500 when one of two is damaged', [unavailable, integrity], 500, 'server_error'],
  ])('%s', async (_, errors, status, outcome) => {
    const { ask, events } = start(acceptAll([]), { credentials: errors.map(fails) })
    const response = await ask(call('coda_get_row'))
    expect(response?.status).toBe(status)
    expect(challengeOf(response)).toBeUndefined()
    expect(events.map((event) => (event as RequestEvent).outcome)).toEqual([outcome])
  })

  it.each([
    ['found', undefined],
    ['required', undefined],
    ['unavailable', 503],
  ] as const)('answers a look-up that ends as %s with %s', async (kind, status) => {
    const { ask } = start(acceptAll([]), { credentials: [credentials(async () => ({ kind }))] })
    expect((await ask(call('coda_get_row')))?.status).toBe(status)
  })

  it('is 500 when the look-up throws at once', async () => {
    const throwing = credentials(() => {
      throw new Error('x')
    })
    const { ask } = start(acceptAll([]), { credentials: [throwing] })
    expect((await ask(call('coda_get_row')))?.status).toBe(500)
  })

  it('does not look anything up for a caller who lacks the scope', async () => {
    let asked = 0
    const { ask } = start(acceptAll([]), {
      scopes: { otherTools: ['write'] },
      credentials: [
        credentials(async () => {
          asked += 1
          return { kind: 'found' }
        }),
      ],
    })
    expect((await ask(call('coda_get_row')))?.status).toBe(403)
    expect(asked).toBe(0)
  })
})

describe('sessions', () => {
  it('P26 answers 404 to the session of another user, and passes an own and a foreign one', async () => {
    const sessionKey = Buffer.alloc(32, 1).toString('base64url')
    const [ann, bob] = ['ann', 'bob'].map((subject) =>
      start(validatorOf({ kind: 'accepted', principal: principalOf({ subject }) }), { sessionKey }),
    )
    if (ann === undefined || bob === undefined) throw new Error('two servers')
    const outcome = await ann.auth.guard(viewOf({ authorization: 'Bearer token' }))
    if (outcome.kind !== 'accepted') throw new Error('ann comes in')
    const id = ann.auth.sessionIds({ auth: outcome.authInfo })()
    expect(await ann.ask(undefined, { 'mcp-session-id': id })).toBeUndefined()
    expect(await bob.ask(undefined, { 'mcp-session-id': id })).toMatchObject({ status: 404 })
    expect(bob.events[0]).toMatchObject({ outcome: 'not_found', reason: 'session_of_another' })
    expect(await bob.ask(undefined, { 'mcp-session-id': 'made-by-the-server' })).toBeUndefined()
  })

  it.each([{}, { auth: undefined }, { auth: {} }, { auth: { extra: {} } }, { auth: 'ann' }])(
    'gives no session id to the request %j, which did not pass the guard',
    (request) => {
      const { auth } = start(acceptAll([]))
      expect(() => auth.sessionIds(request)).toThrow(TypeError)
    },
  )
})

describe('events', () => {
  it('carry the request id only when it is a plain identifier', async () => {
    const { ask, events } = start(acceptAll([]))
    await ask(undefined, { 'x-request-id': 'req-1.A_b' })
    await ask(undefined, { 'x-request-id': 'x\nforged' })
    await ask(undefined, { 'x-request-id': 'x'.repeat(65) })
    const ids = events.map((event) => (event as RequestEvent).requestId)
    expect(ids[0]).toBe('req-1.A_b')
    expect(ids[1]).toMatch(/^[0-9a-f-]{36}$/)
    expect(ids[2]).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('P07 never carry the credential', async () => {
    const { auth, events } = start(acceptAll([]))
    await auth.guard(viewOf({ authorization: 'Bearer canary-77' }))
    await auth.guard(viewOf({ authorization: 'Bearer canary-77 junk' }))
    expect(events).toHaveLength(2)
    expect(JSON.stringify(events)).not.toContain('canary-77')
  })
})

describe('the caller that the handler sees', () => {
  it('is frozen, fresh for each request and does not show its token by accident', async () => {
    const { auth } = start(acceptAll(['read']))
    const outcomes = await Promise.all(
      [1, 2].map(() => auth.guard(viewOf({ authorization: 'Bearer canary-78' }))),
    )
    const [first, second] = outcomes.map((outcome) =>
      outcome.kind === 'accepted' ? outcome.authInfo : undefined,
    )
    expect(first).not.toBe(second)
    expect(Object.isFrozen(first)).toBe(true)
    expect(first?.token).toBe('canary-78')
    expect(JSON.stringify(first)).not.toContain('canary-78')
    expect({ ...first }).not.toHaveProperty('token')
    expect(first?.resource).not.toBe(first?.resource)
    expect(first?.resource?.href).toBe('https://mcp.test/mcp')
    expect(first?.resourceMetadataUrl).toBe(METADATA)
    expect(first?.clientId).toBe('ann')
  })
})
