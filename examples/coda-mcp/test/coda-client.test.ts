import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCodaClient } from '../src/coda/coda-client.js'
import { parseDocId } from '../src/coda/doc-id.js'
import { CodaError } from '../src/coda/errors.js'
import { backoffMs } from '../src/coda/retry.js'
import { createFakeClock, type FakeClock } from './support/fake-clock.js'
import { type RunningStandIn, startStandIn } from './support/stand-in.js'

const token = 'canary-coda-token-5d1f'
const call = { token }
const docId = 'SampleDoc1'
const tableIdOrName = 'grid-tasks'

let clock: FakeClock
let standIn: RunningStandIn

beforeEach(async () => {
  clock = createFakeClock()
  standIn = await startStandIn({ now: clock.now, acceptsToken: (value) => value === token })
})
afterEach(async () => {
  await standIn.close()
})

function createClient(options: { deadlineMs?: number; maxResponseBytes?: number } = {}) {
  return createCodaClient({ baseUrl: standIn.baseUrl, clock, random: () => 0.5, ...options })
}

async function failureOf(promise: Promise<unknown>): Promise<CodaError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof CodaError) return error
    throw error
  }
  throw new Error('the call did not fail')
}

describe('createCodaClient()', () => {
  it.each([
    ['http off loopback', 'http://coda.io/apis/v1'],
    ['credentials', 'https://user:pass@coda.io/apis/v1'],
    ['a query', 'https://coda.io/apis/v1?x=1'],
    ['no URL', 'coda.io'],
  ])('refuses a base URL with %s', (_what, baseUrl) => {
    expect(() => createCodaClient({ baseUrl })).toThrow(/baseUrl/)
  })

  it('sends the token of the call and checks the answer', async () => {
    expect(await createClient().whoami(call)).toMatchObject({ loginId: 'sample@example.com' })
    expect(standIn.received[0]?.headers.authorization).toBe(`Bearer ${token}`)
  })

  it('reads a list page by page, with the page token alone', async () => {
    const client = createClient()
    const first = await client.listRows(
      { docId, tableIdOrName, limit: 2, useColumnNames: true },
      call,
    )
    expect(first.items.map(({ id }) => id)).toEqual(['i-book', 'i-invite'])
    const second = await client.listRows(
      { docId, tableIdOrName, limit: 2, pageToken: first.nextPageToken },
      call,
    )
    expect(second.items.map(({ id, values }) => [id, values.Task])).toEqual([
      ['i-agenda', 'Write the agenda'],
    ])
    expect(second.nextPageToken).toBeUndefined()
    const { searchParams } = new URL(standIn.received[1]?.url ?? '', standIn.baseUrl)
    expect([...searchParams.keys()]).toEqual(['pageToken'])
  })

  it('finds rows by the value of one column', async () => {
    const page = await createClient().listRows(
      { docId, tableIdOrName, query: '"Status":"Open"', valueFormat: 'simpleWithArrays' },
      call,
    )
    expect(page.items.map(({ values }) => values['c-tags'])).toEqual([[]])
  })

  it('accepts the address of a doc for its id', async () => {
    const doc = await createClient().getDoc({ docId: 'https://coda.io/d/Team_dSampleDoc1' }, call)
    expect(doc.name).toBe('Team offsite')
  })

  it('encodes names in paths', async () => {
    const page = await createClient().getPage({ docId, pageIdOrName: 'Plan' }, call)
    expect(page.id).toBe('canvas-plan')
    await failureOf(createClient().getPage({ docId, pageIdOrName: "a/b?c#d e's" }, call))
    expect(standIn.received[1]?.url).toBe('/apis/v1/docs/SampleDoc1/pages/a%2Fb%3Fc%23d%20e%27s')
  })

  it.each(['.', '..', ''])(
    'sends nothing for the name %j, which would be another path',
    async (name) => {
      const error = await failureOf(createClient().getPage({ docId, pageIdOrName: name }, call))
      expect(error.code).toBe('coda_invalid_input')
      expect(standIn.received).toEqual([])
    },
  )

  it('sends nothing that is larger than Coda accepts', async () => {
    const rows = [{ cells: [{ column: 'c-task', value: 'x'.repeat(2_000_000) }] }]
    const error = await failureOf(createClient().upsertRows({ docId, tableIdOrName, rows }, call))
    expect(error).toMatchObject({
      code: 'coda_invalid_input',
      message: expect.stringMatching(/Split/),
    })
    expect(standIn.received).toEqual([])
  })
})

describe('text that is no Unicode', () => {
  it('is refused in words, in a path and in a query', async () => {
    const client = createClient()
    const refusal = { code: 'coda_invalid_input', message: expect.stringMatching(/Unicode/) }
    const inPath = client.getTable({ docId, tableIdOrName: '\ud800' }, call)
    expect(await failureOf(inPath)).toMatchObject(refusal)
    const inQuery = client.listDocs({ query: 'a\udc00' }, call)
    expect(await failureOf(inQuery)).toMatchObject(refusal)
    expect(standIn.received).toEqual([])
    expect(await failureOf(client.getTable({ docId, tableIdOrName: '😀' }, call))).toMatchObject({
      code: 'coda_not_found',
    })
  })
})

describe('retries', () => {
  it('repeats a read after 429 and 5xx with growing pauses', async () => {
    standIn.faults.next({ kind: 'status', status: 429 })
    standIn.faults.next({ kind: 'status', status: 503 })
    standIn.faults.next({ kind: 'status', status: 504 })
    await createClient().whoami(call)
    expect(standIn.received).toHaveLength(4)
    expect(clock.sleeps).toEqual([375, 750, 1500])
  })

  it('repeats a read after a broken connection', async () => {
    standIn.faults.next({ kind: 'reset' })
    await createClient().whoami(call)
    expect(standIn.received).toHaveLength(2)
  })

  it('waits as long as Retry-After says', async () => {
    standIn.faults.next({ kind: 'status', status: 429, retryAfter: '6' })
    await createClient().whoami(call)
    expect(clock.sleeps).toEqual([6000])
  })

  it('gives up inside the deadline and says that the limit is shared', async () => {
    standIn.faults.next({ kind: 'status', status: 429 }, 50)
    const error = await failureOf(createClient().whoami(call))
    expect(error).toMatchObject({ code: 'coda_rate_limited', retryable: true, status: 429 })
    expect(error.message).toMatch(/shared/)
    expect(clock.sleeps.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(20_000)
    expect(standIn.received.length).toBeLessThan(10)
  })

  it('does not wait for a Retry-After behind the deadline', async () => {
    standIn.faults.next({ kind: 'status', status: 429, retryAfter: '60' })
    await failureOf(createClient().whoami(call))
    expect(clock.sleeps).toEqual([])
  })

  it('repeats a write after 429', async () => {
    standIn.faults.next({ kind: 'status', status: 429 })
    await createClient().deleteRow({ docId, tableIdOrName, rowIdOrName: 'i-book' }, call)
    expect(standIn.received.map(({ method }) => method)).toEqual(['DELETE', 'DELETE'])
  })

  it.each([
    ['500', { kind: 'status', status: 500 }],
    ['a broken connection', { kind: 'reset' }],
    ['silence', { kind: 'hang' }],
  ] as const)(
    'sends a write once when the answer is %s, and says that its outcome is open',
    async (_what, fault) => {
      standIn.faults.next(fault)
      const write = createClient({ deadlineMs: 150 }).deleteRow(
        { docId, tableIdOrName, rowIdOrName: 'i-book' },
        call,
      )
      const error = await failureOf(write)
      expect(standIn.received).toHaveLength(1)
      expect(error.retryable).toBe(false)
      expect(error.message).toMatch(/not known whether/)
    },
  )

  it.each([400, 401, 403, 404, 410])('does not repeat a call after %i', async (status) => {
    standIn.faults.next({ kind: 'status', status })
    const error = await failureOf(createClient().whoami(call))
    expect(error).toMatchObject({ status, retryable: false })
    expect(standIn.received).toHaveLength(1)
  })

  it('spreads callers over half of each pause', () => {
    expect([backoffMs(0, 0), backoffMs(0, 1), backoffMs(2, 0), backoffMs(20, 1)]).toEqual([
      250, 500, 1000, 8000,
    ])
  })
})

describe('answers that are no answers', () => {
  it.each([
    ['HTML', { kind: 'html' }, /not JSON/],
    ['another shape', { kind: 'shape', body: { name: 1 } }, /unexpected shape at "name"/],
    ['a redirect', { kind: 'redirect', location: 'http://127.0.0.1:9/' }, /redirect/],
  ] as const)('reports %s', async (_what, fault, message) => {
    standIn.faults.next(fault)
    const error = await failureOf(createClient().whoami(call))
    expect(error).toMatchObject({ code: 'coda_unexpected_answer', retryable: false })
    expect(error.message).toMatch(message)
    expect(standIn.received).toHaveLength(1)
  })

  it('accepts members that it does not know', async () => {
    const user = {
      ...{ name: 'A', loginId: 'a@example.com', scoped: false, tokenName: 't' },
      addedLater: { x: 1 },
    }
    standIn.faults.next({ kind: 'shape', body: user })
    expect((await createClient().whoami(call)).name).toBe('A')
  })

  it('stops reading a body over the cap', async () => {
    standIn.faults.next({ kind: 'flood' })
    const error = await failureOf(createClient({ maxResponseBytes: 300_000 }).whoami(call))
    expect(error.message).toMatch(/more than 300000 bytes/)
  })

  it.each(['hang', 'stall'] as const)(
    'ends a call at its deadline when Coda shows a %s',
    async (kind) => {
      standIn.faults.next({ kind })
      const error = await failureOf(createClient({ deadlineMs: 150 }).whoami(call))
      expect(error).toMatchObject({ code: 'coda_timeout', retryable: true })
    },
  )

  it('ends when the caller goes away, with the reason of the caller', async () => {
    standIn.faults.next({ kind: 'hang' })
    const controller = new AbortController()
    const pending = createClient().whoami({ token, signal: controller.signal })
    controller.abort(new Error('gone'))
    await expect(pending).rejects.toThrow('gone')
  })

  it('P07 never repeats the token, not even when Coda does', async () => {
    standIn.faults.next({ kind: 'status', status: 400, message: `bad token ${token}\nforged line` })
    const error = await failureOf(createClient().whoami(call))
    expect(error.message).toContain('bad token [redacted]\\nforged line')
    expect(JSON.stringify(error) + error.stack).not.toContain(token)
  })
})

describe('parseDocId()', () => {
  it.each([
    ['an id', 'AbCDeFGH12', 'AbCDeFGH12'],
    ['an id with signs', ' a-_d_dB-x1 ', 'a-_d_dB-x1'],
    ['the address of a doc', 'https://coda.io/d/My-Doc_dAbCDeFGH12', 'AbCDeFGH12'],
    ['the address of a page', 'https://coda.io/d/My_Doc_dAbCDeFGH12/Page_suAbc#_lu1', 'AbCDeFGH12'],
    ['an address without a title', 'https://coda.io/d/_dAbCDeFGH12', 'AbCDeFGH12'],
    [
      'an address whose title looks like an id',
      'https://coda.io/d/x_dangerous_dAbCDeFGH12',
      'AbCDeFGH12',
    ],
    ['an id that contains the marker', 'https://coda.io/d/T_dab_dCDEFG1', 'ab_dCDEFG1'],
    ['a shorter id of older examples', 'https://coda.io/d/T_dAbCDeFGH', 'AbCDeFGH'],
    ['another host', 'https://docs.superhuman.com/d/T_dAbCDeFGH12', 'AbCDeFGH12'],
    ['an API link', 'https://coda.io/apis/v1/docs/AbCDeFGH12', 'AbCDeFGH12'],
  ])('takes %s', (_what, value, id) => {
    expect(parseDocId(value)).toBe(id)
  })

  it.each([
    ['nothing', ''],
    ['a title', 'My Doc'],
    ['dots', '..'],
    ['an address without a doc', 'https://coda.io/docs'],
    ['an address with a title only', 'https://coda.io/d/My-Doc'],
    ['a path', 'AbCDeFGH12/tables'],
    ['65 characters', 'a'.repeat(65)],
  ])('refuses %s', (_what, value) => {
    expect(() => parseDocId(value)).toThrow(/docId must be/)
  })
})
