import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ResponseMode } from '../../src/testing/issuer/outages.js'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { TOKEN_FAULTS } from '../../src/testing/token-faults.js'
import { assertAccepted, assertContract, describeReasonCodes, probe } from './contract.js'
import { HOST_KINDS, type Host, samplesFor, startHost, useHost } from './hosts.js'
import type { Scenario } from './scenario.js'
import { stopWorkers } from './workers-runtime.js'

const RESOURCE = 'https://mcp.test/mcp'

let issuer: TestIssuer
let broken: TestIssuer

beforeAll(async () => {
  issuer = createTestIssuer({ audience: RESOURCE, scopes: ['docs.read'], email: 'ann@corp.test' })
  broken = createTestIssuer({ audience: RESOURCE, algorithm: 'ES256' })
  await Promise.all([issuer.listen(), broken.listen()])
})
afterAll(async () => {
  await stopWorkers()
  await Promise.all([issuer.close(), broken.close()])
})

const bearer = (token: string) => ({ headers: [['Authorization', `Bearer ${token}`]] as const })
const trusting = (trusted: TestIssuer, options: Partial<Scenario['options']> = {}): Scenario => ({
  options: { resource: RESOURCE, ...options },
  validators: [
    {
      kind: 'jwt',
      options: { issuer: trusted.issuer, jwksUri: trusted.jwksUri, profile: 'rfc9068' },
    },
  ],
})

describe.each(HOST_KINDS)('every token fault on %s', (kind) => {
  const host = useHost(kind, () => trusting(issuer, { scopes: { required: ['docs.read'] } }))

  it('does not hit a right token, remembered or not', async () => {
    const token = await issuer.token()
    for (const cached of [false, true]) {
      const exchange = await probe(host(), bearer(token))
      assertAccepted(exchange)
      expect(exchange.events).toMatchObject([{ cached, validator: 'jwt' }])
    }
  })

  it.each(
    samplesFor(
      kind,
      TOKEN_FAULTS.map((fault) => [fault.name, fault] as const),
    ),
  )('%s is refused, twice alike', async (name, { outcome }) => {
    const fetched = issuer.requests('foreign-jwks')
    const token = await issuer.faulty(name)
    const secrets = [token, ...token.split('.').filter((part) => part.length > 20), 'ann@corp']
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const exchange = await probe(host(), bearer(token))
      assertContract(exchange, outcome === 'invalid_token' ? 'TOK' : 'SCO', { secrets })
    }
    expect(issuer.requests('foreign-jwks')).toBe(fetched)
  })

  it('all refusals of tokens look alike', async () => {
    const answers = new Set<string>()
    for (const { name, outcome } of samplesFor(kind, TOKEN_FAULTS)) {
      if (outcome !== 'invalid_token') continue
      const { response } = await probe(host(), bearer(await issuer.faulty(name)))
      const fields = response.fields.filter(([field]) => field !== 'date')
      answers.add(JSON.stringify([response.status, fields, response.text]))
    }
    expect(answers.size).toBe(1)
  })

  it.each(
    samplesFor(kind, [
      'docs.reads',
      'docs',
      'xdocs.read',
      'docs.read:all',
      'DOCS.READ',
      '',
      'docs.read\tx',
    ]),
  )('J44 a scope must match as a whole: %j', async (scope) => {
    const exchange = await probe(host(), bearer(await issuer.token({ scope })))
    // A scope claim that is no list of scopes may be refused as such.
    if (exchange.response.status === 401) assertContract(exchange, 'TOK')
    else assertContract(exchange, 'SCO', { scope: ['docs.read'] })
  })

  it('J22 an identity with control characters is refused', async () => {
    for (const sub of ['a\0b', 'a\nb', 'a\u202eb', 'x'.repeat(2000)]) {
      assertContract(await probe(host(), bearer(await issuer.token({ sub }))), 'TOK')
    }
  })
})

describe.each(HOST_KINDS)('an allow-list on %s', (kind) => {
  const host = useHost(kind, () =>
    trusting(issuer, { allow: { emails: ['ann@corp.test'], domains: ['team.test'] } }),
  )

  it.each<[string, Record<string, unknown>]>([
    ['a listed address', {}],
    ['a listed domain', { email: 'bob@team.test' }],
    ['another case', { email: 'Ann@CORP.test' }],
  ])('admits %s', async (_name, claims) => {
    assertAccepted(await probe(host(), bearer(await issuer.token(claims))))
  })

  it.each<[string, Record<string, unknown>]>([
    ['an unlisted address', { email: 'eve@corp.test' }],
    ['a listed address that nobody verified', { email_verified: false }],
    ['an address without a word on that', { email_verified: undefined }],
    ['the text "true"', { email_verified: 'true' }],
    ['a subdomain', { email: 'bob@x.team.test' }],
    ['a longer domain', { email: 'bob@xteam.test' }],
    ['two addresses', { email: 'ann@corp.test,eve@x.test' }],
    ['no address', { email: undefined }],
  ])('J56 forbids %s', async (_name, claims) => {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const exchange = await probe(host(), bearer(await issuer.token(claims)))
      assertContract(exchange, 'FORB', { reason: 'not_on_allow_list', secrets: ['eve', 'bob@'] })
    }
  })
})

describe.each(HOST_KINDS)('an issuer whose keys cannot be fetched, on %s', (kind) => {
  const modes: readonly ResponseMode[] = ['error-500', 'html', 'redirect', 'reset', 'empty', 'huge']

  it.each(samplesFor(kind, modes))('K05 is an outage and no bad token: %s', async (mode) => {
    broken.respond('jwks', mode)
    const host = await startHost(kind, trusting(broken))
    try {
      const token = await broken.token()
      assertContract(await probe(host, bearer(token)), 'DEP', { secrets: [token, '127.0.0.1'] })
      // What can be told without keys is told.
      assertContract(await probe(host, bearer('garbage')), 'TOK')
      assertContract(await probe(host, {}), 'BARE')
      expect((await probe(host, bearer(await broken.faulty('expired')))).response.status).toBe(401)
    } finally {
      broken.respond('jwks', 'ok')
      await host.close()
    }
  })
})

describe('an issuer that hangs', () => {
  it('K06 is an outage for everybody within 3.5 s, by one fetch', async () => {
    broken.respond('jwks', 'hang')
    const token = await broken.token()
    const hosts: Host[] = await Promise.all(
      HOST_KINDS.map((kind) => startHost(kind, trusting(broken))),
    )
    const before = broken.requests('jwks')
    const begun = performance.now()
    try {
      await Promise.all(
        hosts.map(async (host) => {
          assertContract(await probe(host, bearer(token)), 'DEP', { secrets: [token] })
        }),
      )
      expect(performance.now() - begun).toBeLessThan(4500)
      expect(broken.requests('jwks') - before).toBe(HOST_KINDS.length)
    } finally {
      broken.respond('jwks', 'ok')
      await Promise.all(hosts.map((host) => host.close()))
    }
  })
})

describeReasonCodes()
