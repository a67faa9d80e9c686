import { describe, expect, it } from 'vitest'
import { createMcpAuth } from '../src/create-mcp-auth.js'
import type { Principal } from '../src/principal.js'
import { createRevocationList } from '../src/resource-server/revocation.js'
import type { TokenValidator, Verdict } from '../src/validators/validator.js'

const NOW = 1_800_000_000_000

async function callerOf(recheck: () => Verdict | undefined, expiresAt: number) {
  let time = NOW
  const revocation = createRevocationList({ now: () => time })
  const validator: TokenValidator = {
    name: 'fake',
    selects: { opaque: true },
    authorizationServers: [],
    scopeSource: 'token',
    resourceBinding: 'audience',
    validate: () => ({
      kind: 'accepted',
      principal: {
        issuer: 'https://as.test',
        subject: 'ann',
        kind: 'user',
        scopes: [],
        expiresAt,
        tokenId: 't1',
        claims: {},
      },
    }),
    recheck,
  }
  const auth = createMcpAuth({
    resource: 'https://mcp.test/mcp',
    validators: [validator],
    revocation,
    now: () => time,
  })
  const headers = { authorization: 'Bearer token', host: 'mcp.test' }
  const outcome = await auth.guard({ method: 'GET', target: '/mcp', headers })
  if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${outcome.status}`)
  const principal: Principal = outcome.principal
  return { auth, principal, revocation, advance: (ms: number) => (time += ms) }
}

describe('isActive()', () => {
  it('is true until the moment at which the credential expires', async () => {
    const { auth, principal, advance } = await callerOf(() => undefined, NOW / 1000 + 60)
    advance(59_999)
    expect(auth.isActive(principal)).toBe(true)
    advance(1)
    expect(auth.isActive(principal)).toBe(false)
  })

  it('is false once the token is revoked, and stays true when another one is', async () => {
    const { auth, principal, revocation } = await callerOf(() => undefined, NOW / 1000 + 60)
    revocation.revokeToken('https://as.test', 't2', NOW / 1000 + 60)
    expect(auth.isActive(principal)).toBe(true)
    revocation.revokeToken('https://as.test', 't1', NOW / 1000 + 60)
    expect(auth.isActive(principal)).toBe(false)
  })

  it.each<[string, Verdict, boolean]>([
    ['rejects', { kind: 'rejected', reason: 'revoked' }, false],
    ['forbids', { kind: 'forbidden', reason: 'suspended' }, false],
    ['cannot tell', { kind: 'unavailable', retryAfterSeconds: 5 }, true],
  ])('asks the validator again: one that %s', async (_name, verdict, expected) => {
    let answer: Verdict | undefined
    const { auth, principal } = await callerOf(() => answer, NOW / 1000 + 60)
    expect(auth.isActive(principal)).toBe(true)
    answer = verdict
    expect(auth.isActive(principal)).toBe(expected)
  })
})
