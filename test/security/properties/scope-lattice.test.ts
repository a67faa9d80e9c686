import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMcpAuth } from '../../../packages/mcp-auth-middleware/src/create-mcp-auth.js'
import { parseMessage } from '../../../packages/mcp-auth-middleware/src/resource-server/json-rpc-message.js'
import type { Operation } from '../../../packages/mcp-auth-middleware/src/resource-server/operation-scopes.js'
import {
  principalOf,
  validatorOf,
  viewOf,
} from '../../../packages/mcp-auth-middleware/test/resource-server/fakes.js'
import { expectToHold, isCaught, PATIENCE } from './support/property.js'
import { anyScope, scopeCases } from './support/scope-cases.js'
import { decideBy, RULES, type ScopeDecision, type ScopeRules } from './support/scope-oracle.js'

const CALLS = {
  tools: ['tools/call', 'name'],
  resources: ['resources/read', 'uri'],
  prompts: ['prompts/get', 'name'],
} as const

function messageOf({ kind, name }: Operation): unknown {
  const [method, member] = CALLS[kind]
  return { jsonrpc: '2.0', id: 1, method, params: { [member]: name ?? 42 } }
}

/** Sends the request through the whole guard, and reads the challenge as a client does. */
const decideByGuard: ScopeDecision = async ({ options, granted, operations }) => {
  const auth = createMcpAuth({
    resource: 'https://mcp.test/mcp',
    validators: [validatorOf({ kind: 'accepted', principal: principalOf({ scopes: granted }) })],
    scopes: options,
    cache: false,
  })
  const body = operations.length === 0 ? { method: 'ping' } : operations.map(messageOf)
  const view = viewOf({ authorization: 'Bearer token', 'content-length': '9' })
  const outcome = await auth.guard(view)
  const refusal =
    outcome.kind === 'response' ? outcome : await outcome.authorizeMessage?.(parseMessage(body))
  if (refusal === undefined) return { kind: 'accepted' }
  if (refusal.status !== 403) throw new Error(`answered ${refusal.status}`)
  const scope = / scope="([^"]*)"/.exec(refusal.headers['www-authenticate'] ?? '')?.[1] ?? ''
  return { kind: 'refused', challenge: scope.split(' ') }
}

const sorted = (answer: Awaited<ReturnType<ScopeDecision>>) =>
  answer.kind === 'accepted' ? answer : { ...answer, challenge: [...answer.challenge].sort() }

const agreesWithRules = (decide: ScopeDecision) =>
  fc.asyncProperty(scopeCases, async (request) => {
    expect(sorted(await decide(request))).toEqual(sorted(decideBy(RULES)(request)))
  })

/** More scopes never close what fewer opened, and more operations never open what fewer closed. */
const isMonotone = (decide: ScopeDecision) =>
  fc.asyncProperty(scopeCases, anyScope, async (request, more) => {
    const answer = await decide(request)
    const withMore = await decide({ ...request, granted: [...request.granted, more] })
    const withFewer = await decide({ ...request, operations: request.operations.slice(1) })
    if (answer.kind === 'accepted') {
      expect(withMore.kind).toBe('accepted')
      expect(withFewer.kind).toBe('accepted')
    }
  })

/** A client that gets the scopes of the challenge beside its own is let in, and never by fewer. */
const leadsIn = (decide: ScopeDecision) =>
  fc.asyncProperty(scopeCases, async (request) => {
    const answer = await decide(request)
    if (answer.kind === 'accepted') return
    const { challenge } = answer
    expect(new Set(challenge).size).toBe(challenge.length)
    expect((await decide({ ...request, granted: challenge })).kind).toBe('accepted')
    const plain = { ...request, options: { ...request.options, implies: {} } }
    for (const scope of challenge) {
      const others = challenge.filter((each) => each !== scope)
      expect((await decide({ ...plain, granted: others })).kind).toBe('refused')
    }
  })

describe('the scopes of a request', () => {
  it('J44 C22 are decided as the rules say, with one challenge for all of them', {
    timeout: PATIENCE,
  }, async () => {
    await expectToHold(agreesWithRules(decideByGuard), {
      part: 'scope-decisions',
      method:
        'tables, hierarchies, grants and messages, compared with the rules written one by one',
      runs: 1000,
      longRuns: 50_000,
    })
  })

  it('are monotone: no further scope closes what was open', { timeout: PATIENCE }, async () => {
    await expectToHold(isMonotone(decideByGuard), {
      part: 'scope-monotony',
      method: 'the same request with one more scope, and with one operation fewer',
      runs: 300,
      longRuns: 25_000,
    })
  })

  it('C22 are named by the challenge: all of them let the client in, and none is idle', {
    timeout: PATIENCE,
  }, async () => {
    await expectToHold(leadsIn(decideByGuard), {
      part: 'scope-step-up',
      method: 'the request again with the scopes of its challenge, and with one of them left out',
      runs: 300,
      longRuns: 25_000,
    })
  })
})

const wrong = (rules: Partial<ScopeRules>): ScopeDecision => decideBy({ ...RULES, ...rules })

describe('the properties catch a decision that', () => {
  it.each<[string, Partial<ScopeRules>]>([
    [
      'J44 looks for text inside scopes',
      { satisfies: (held, needed) => needed.every((scope) => [...held].join(' ').includes(scope)) },
    ],
    ['is content with one scope', { satisfies: (held, needed) => needed.some((s) => held.has(s)) }],
    [
      'reads the hierarchy upwards too',
      {
        hold(granted, options) {
          const held = new Set(RULES.hold(granted, options))
          for (const [scope, implied] of Object.entries(options.implies ?? {})) {
            if (implied.some((each) => held.has(each))) held.add(scope)
          }
          return held
        },
      },
    ],
    [
      'follows the hierarchy one step',
      {
        hold: (granted, { implies = {} }) =>
          new Set([...granted, ...granted.flatMap((scope) => implies[scope] ?? [])]),
      },
    ],
    [
      'leaves a tool open that no table names',
      { need: ({ kind, name }, o) => o[kind]?.[name ?? ''] ?? [] },
    ],
    [
      'lets the shortest prefix win',
      {
        need({ kind, name }, options) {
          const prefix = Object.keys(options[kind] ?? {})
            .filter((pattern) => pattern.endsWith('*') && name?.startsWith(pattern.slice(0, -1)))
            .sort((one, other) => one.length - other.length)[0]
          return options[kind]?.[prefix ?? ''] ?? RULES.need({ kind, name }, options)
        },
      },
    ],
    ['C22 names one scope at a time', { challenge: (needed) => needed.slice(0, 1) }],
    [
      'C22 names only what is missing',
      { challenge: (needed, held) => needed.filter((scope) => !held.has(scope)) },
    ],
  ])('%s', async (_fault, rules) => {
    expect(await isCaught(agreesWithRules(wrong(rules)), 5000)).toBe(true)
  })

  it('refuses callers for what they have too much', async () => {
    const exact = wrong({
      satisfies: (held, needed) =>
        held.size <= new Set(needed).size && RULES.satisfies(held, needed),
    })
    expect(await isCaught(isMonotone(exact))).toBe(true)
  })

  it.each<[string, Partial<ScopeRules>]>([
    ['names one scope at a time', { challenge: (needed) => needed.slice(0, 1) }],
    ['names a scope that nothing needs', { challenge: (needed) => [...needed, 'admin'] }],
    ['names a scope twice', { challenge: (needed) => [...needed, ...needed] }],
  ])('C22 %s', async (_fault, rules) => {
    expect(await isCaught(leadsIn(wrong(rules)))).toBe(true)
  })
})
