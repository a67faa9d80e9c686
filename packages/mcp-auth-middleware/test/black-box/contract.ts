import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/security/support/figures.js'
import type { RequestEvent, RequestOutcome } from '../../src/events.js'
import type { Host } from './hosts.js'
import { type RawRequest, type RawResponse, sendRaw } from './raw-http.js'
import type { HandlerCall } from './scenario.js'

/** One request, its answer, and what the server did meanwhile. */
export interface Exchange {
  readonly host: Host
  readonly response: RawResponse
  readonly events: readonly RequestEvent[]
  readonly calls: readonly HandlerCall[]
}

let probes = 0

/** Sends one request and collects what it caused. */
export async function probe(host: Host, request: RawRequest | string): Promise<Exchange> {
  await host.take()
  if (typeof request === 'string') return collect(host, await sendRaw(host.port, request))
  probes += 1
  const id = `probe-${probes}`
  const headers = [...(request.headers ?? []), ['X-Request-Id', id] as const]
  return collect(host, await sendRaw(host.port, { ...request, headers }), id)
}

/**
 * Collects what an answered request has caused. With its id, events of other requests are left out:
 * those of an earlier one whose client has gone may come at any time.
 */
export async function collect(host: Host, response: RawResponse, id?: string): Promise<Exchange> {
  const { events, calls } = await host.take()
  return {
    host,
    response,
    events: events
      .filter((event) => event.type === 'request')
      .filter((event) => id === undefined || event.requestId === id),
    calls,
  }
}

/** The refusals of the response contract, by the names of the security checklist. */
export const REFUSALS = {
  BARE: { status: 401, outcome: 'unauthenticated', challenge: true },
  MAL: { status: 401, outcome: 'malformed', challenge: true, error: 'invalid_token' },
  MAL_400: { status: 400, outcome: 'malformed', challenge: true, error: 'invalid_request' },
  TOK: { status: 401, outcome: 'invalid_token', challenge: true, error: 'invalid_token' },
  SCO: { status: 403, outcome: 'insufficient_scope', challenge: true, error: 'insufficient_scope' },
  SCO_FIXED: { status: 403, outcome: 'insufficient_scope' },
  FORB: { status: 403, outcome: 'forbidden' },
  GONE: { status: 404, outcome: 'not_found' },
  DEP: { status: 503, outcome: 'unavailable' },
  ERR: { status: 500, outcome: 'server_error' },
  BODY_400: { status: 400, outcome: 'bad_message' },
  BODY_413: { status: 413, outcome: 'bad_message' },
  BODY_415: { status: 415, outcome: 'bad_message' },
} as const satisfies Record<
  string,
  { status: number; outcome: RequestOutcome; challenge?: true; error?: string }
>

export interface ExpectedRefusal {
  readonly reason?: string
  /** Scopes in the challenge. Default: the required ones of the scenario; none for MAL_400. */
  readonly scope?: readonly string[]
  /** `null`: the server has no authorization server, so no metadata. Default: of `mcp.test/mcp`. */
  readonly resourceMetadata?: string | null
  /** Texts that must be in no header, no body and no event. */
  readonly secrets?: readonly string[]
  /** False for HEAD. */
  readonly body?: boolean
}

export const METADATA_URL = 'https://mcp.test/.well-known/oauth-protected-resource/mcp'
const METADATA_URL_FIELD = 'resource_metadata'

const LEGAL_VALUE = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/
const CHALLENGE = /^Bearer(?: [a-z_]+="[^"]*"(?:, [a-z_]+="[^"]*")*)?$/
const BODY_ERRORS: Readonly<Record<string, string>> = {
  BARE: 'unauthorized',
  FORB: 'access_denied',
  GONE: 'not_found',
  DEP: 'temporarily_unavailable',
  ERR: 'server_error',
  SCO_FIXED: 'insufficient_scope',
  BODY_400: 'invalid_request',
  BODY_413: 'invalid_request',
  BODY_415: 'invalid_request',
}

/** Reads the attributes of a challenge in order, refusing everything that the contract does not. */
export function parseChallenge(value: string): readonly (readonly [string, string])[] {
  expect(value).toMatch(CHALLENGE)
  const attributes = [...value.matchAll(/([a-z_]+)="([^"]*)"/g)].map(
    ([, name = '', text = '']) => [name, text] as const,
  )
  for (const [, text] of attributes) expect(text).toMatch(LEGAL_VALUE)
  const names = attributes.map(([name]) => name)
  expect(new Set(names).size, `each attribute once in ${value}`).toBe(names.length)
  return attributes
}

const ORDER = ['realm', 'error', 'scope', METADATA_URL_FIELD, 'error_description']

function assertChallenge(
  value: string | undefined,
  code: keyof typeof REFUSALS,
  scope: readonly string[],
  metadataUrl: string | null,
): void {
  const { error } = { error: undefined, ...REFUSALS[code] }
  expect(value, 'a WWW-Authenticate field').toBeDefined()
  const attributes = parseChallenge(value ?? '')
  const names = attributes.map(([name]) => name)
  expect(names).toEqual(ORDER.filter((name) => names.includes(name)))

  const found = new Map(attributes)
  expect(found.get('error')).toBe(error)
  expect(found.get('scope')).toBe(scope.length === 0 ? undefined : scope.join(' '))
  expect(found.get(METADATA_URL_FIELD)).toBe(metadataUrl ?? undefined)
  expect(found.has('error_description')).toBe(error !== undefined)
  // Clients search the whole field for these; a description must not contain them.
  expect(found.get('error_description') ?? '').not.toMatch(/scope=|error=|resource_metadata=/)
}

/** Every reason code that was seen in this test file. */
const seenReasons = new Set<string>()
/** Refusals that were asked for, and those that were as the contract says. */
const refusals = { expected: 0, right: 0 }

/**
 * Asserts everything that section 2.1 of the response contract says about one refusal: status,
 * challenge, headers, body, that the handler did not run, that nothing secret came back, and that
 * exactly one event tells about it.
 */
export function assertContract(
  exchange: Exchange,
  code: keyof typeof REFUSALS,
  expected: ExpectedRefusal = {},
): void {
  refusals.expected += 1
  const { response, events, calls, host } = exchange
  const rule: { status: number; outcome: RequestOutcome; challenge?: true; error?: string } =
    REFUSALS[code]
  expect(response.status, `${code}: ${response.text}`).toBe(rule.status)
  expect(calls, 'the handler does not run').toEqual([])

  const challenges = response.fields.filter(([name]) => name === 'www-authenticate')
  if (rule.challenge === true) {
    expect(challenges).toHaveLength(1)
    const required = host.scenario.options.scopes?.required ?? []
    assertChallenge(
      challenges[0]?.[1],
      code,
      expected.scope ?? (code === 'MAL_400' ? [] : required),
      expected.resourceMetadata === undefined ? METADATA_URL : expected.resourceMetadata,
    )
  } else {
    expect(challenges).toEqual([])
  }

  expect(response.header('cache-control')).toBe('no-store')
  expect(response.header('content-type')).toBe('application/json')
  expect(response.header('access-control-allow-credentials')).toBeUndefined()
  if (code === 'DEP') {
    expect(response.header('retry-after')).toMatch(/^(?:[1-9]|[1-5][0-9]|60)$/)
  }
  if (expected.body === false) {
    expect(response.body).toHaveLength(0)
  } else {
    const body = JSON.parse(response.text)
    expect(body.error).toBe(rule.error ?? BODY_ERRORS[code])
    expect(Object.keys(body).filter((key) => key !== 'error_description')).toEqual(['error'])
  }

  expect(events, 'exactly one event').toHaveLength(1)
  const [event] = events
  expect(event).toMatchObject({ outcome: rule.outcome, status: rule.status })
  expect(event?.reason).toMatch(/^[a-z0-9_]+$/)
  seenReasons.add(event?.reason ?? '')
  if (expected.reason !== undefined) expect(event?.reason).toBe(expected.reason)

  const visible = `${response.fields.flat().join('\n')}\n${response.text}`
  for (const secret of expected.secrets ?? []) {
    expect(visible, 'not echoed').not.toContain(secret)
    expect(JSON.stringify(event), 'not in the event').not.toContain(secret)
  }
  refusals.right += 1
}

/** Asserts that the request was accepted, once, and returns the echo. */
export function assertAccepted(exchange: Exchange): ReturnType<typeof JSON.parse> {
  const { response, events, calls } = exchange
  expect(response.status, response.text).toBe(200)
  expect(calls).toHaveLength(1)
  expect(events).toMatchObject([{ outcome: 'accepted', reason: 'accepted' }])
  seenReasons.add('accepted')
  return response.text === '' ? undefined : JSON.parse(response.text)
}

/**
 * Asserts that the HTTP server in front of the guard has refused a message that is not HTTP, so that
 * neither guard nor handler saw it.
 */
export function assertRefusedInFront({ response, events, calls, host }: Exchange): void {
  expect(calls).toEqual([])
  expect(events).toEqual([])
  // The local Workers runtime answers 500 to what it cannot parse.
  if (host.kind === 'workers') expect(response.status).toBeGreaterThanOrEqual(400)
  else expect([400, 431]).toContain(response.status)
}

const RESPONSES_PAGE = new URL('../../../../docs/reference/responses.md', import.meta.url)

/** Adds the last test of a file: every reason code that it has seen is documented. */
export function describeReasonCodes(): void {
  afterAll(() => {
    recordFigure({
      id: 'R1',
      part: basename(expect.getState().testPath ?? 'unknown', '.test.ts'),
      values: {
        'bad requests': refusals.expected,
        'wrong outcomes': refusals.expected - refusals.right,
      },
      isMet: refusals.expected > 0 && refusals.expected === refusals.right,
      method:
        'Real HTTP to Express 4 and 5, Hono and Workers; status, challenge, body, event and handler of each refusal are compared with the response contract.',
    })
  })

  it.skipIf(!existsSync(RESPONSES_PAGE))('has seen only documented reason codes', () => {
    const page = readFileSync(RESPONSES_PAGE, 'utf8')
    const documented = new Set([...page.matchAll(/`([a-z0-9_]+)`/g)].map(([, code]) => code))
    expect(seenReasons.size).toBeGreaterThan(0)
    expect([...seenReasons].filter((reason) => !documented.has(reason)).sort()).toEqual([])
  })
}
