import { describe, expect, it, onTestFinished } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { chooseFor } from '../../src/doctor/assess.js'
import { CHECK_IDS, type CheckResult, CLIENT_IDS, definitionOf } from '../../src/doctor/check.js'
import { type DoctorReport, idsWith } from '../../src/doctor/report.js'
import { runDoctor } from '../../src/doctor/run-doctor.js'
import { json } from './broken-servers/exchange.js'
import { type Fault, type Means, PUBLIC } from './broken-servers/fault.js'
import { FAULTS } from './broken-servers/faults/index.js'
import { HARMLESS } from './broken-servers/harmless.js'
import { type Layout, type Site, startSite } from './broken-servers/site.js'

async function start(fault: Pick<Fault, 'replacement' | 'layout'>): Promise<Site> {
  const site = await startSite(fault.replacement, fault.layout)
  onTestFinished(() => site.close())
  return site
}

function examine({ urls, fetch }: Site, means: Means): Promise<DoctorReport> {
  return runDoctor({ url: urls.resource, fetch, ...means })
}

const isComplaint = ({ status }: CheckResult): boolean =>
  status === 'failed' || status === 'warning'

/** What a run complains about, as `DR-1 failed`. */
function complaintsOf({ checks }: DoctorReport): string[] {
  return checks.filter(isComplaint).map(({ id, status }) => `${id} ${status}`)
}

const idsThatNeed = (...means: readonly string[]): string[] =>
  CHECK_IDS.filter((id) => means.includes(definitionOf(id).needs ?? 'nothing'))

/** What was found by only looking, since more than one test is about that. */
const looked = new Map<Fault, DoctorReport>()

async function lookAt(fault: Fault): Promise<DoctorReport> {
  const report = looked.get(fault) ?? (await examine(await start(fault), {}))
  looked.set(fault, report)
  return report
}

const LOOKED_AT = FAULTS.filter(({ means }) => means === undefined)
/** Every fifth by day, and one for each check; all by night. */
const REGISTERED_AT = LOOKED_AT.filter(
  ({ check }, index) =>
    isLongForm ||
    index % 5 === 0 ||
    LOOKED_AT.findIndex((other) => other.check === check) === index,
)

const LAYOUTS: readonly (readonly [string, Layout])[] = [
  ['two origins', {}],
  ['one origin', { oneOrigin: true }],
  ['an issuer with a path', { issuerPath: '/tenant' }],
  ['an endpoint at the root', { resourcePath: '/' }],
  ['an endpoint deep below', { resourcePath: '/team/notes/mcp' }],
  ['public names', { names: PUBLIC }],
]

describe('runDoctor() on a server in which nothing is wrong', () => {
  it.each(LAYOUTS)('finds nothing at %s', async (_name, layout) => {
    const site = await start({ layout })
    const report = await examine(site, {})
    expect(complaintsOf(report)).toEqual([])
    expect(idsWith(report, 'skipped')).toEqual(idsThatNeed('active', 'token', 'config'))
  })

  it.each(LAYOUTS)(
    'finds nothing at %s when it may register and sign in',
    async (_name, layout) => {
      const site = await start({ layout })
      const report = await examine(site, { active: true })
      expect(complaintsOf(report)).toEqual([])
      // A token of its own is what it looks at then.
      expect(idsWith(report, 'skipped')).toEqual(idsThatNeed('config'))
    },
  )

  it('finds nothing in a good token and a good configuration', async () => {
    const site = await start({})
    const grant = { clientId: 'client', scopes: ['notes.read'], resource: site.urls.resource }
    const token = site.issue(grant)
    const config = { PUBLIC_URL: new URL(site.urls.resource).origin, OIDC_ISSUER: site.urls.issuer }
    const report = await examine(site, { token, config, active: true })
    expect(complaintsOf(report)).toEqual([])
    expect(idsWith(report, 'skipped')).toEqual([])
  })

  it.each(HARMLESS.map((site) => [site.server, site] as const))(
    'finds nothing at a server that %s',
    async (_name, harmless) => {
      for (const means of [{}, { active: true }]) {
        const site = await start(harmless)
        const report = await examine(site, means)
        expect(complaintsOf(report)).toEqual([])
        expect([...site.state.clients.keys()]).toEqual([])
      }
    },
  )

  it.each(HARMLESS.filter(({ server }) => server.startsWith('asks people')))(
    'says that a person is needed at a server that $server',
    async (harmless) => {
      const { checks } = await examine(await start(harmless), { active: true })
      const refresh = checks.find(({ id }) => id === 'DR-21')
      expect([refresh?.status, refresh?.reason]).toEqual([
        'skipped',
        expect.stringContaining('a person has to sign in'),
      ])
    },
  )

  it('says when it had to leave clients behind', async () => {
    const site = await start({
      replacement: {
        registration: ({ document }) =>
          json(201, {
            ...document,
            registration_client_uri: undefined,
            registration_access_token: undefined,
          }),
      },
    })
    const report = await examine(site, { active: true })
    expect(complaintsOf(report)).toEqual([])
    expect([...(report.cleanup?.left ?? [])].sort()).toEqual([...site.state.clients.keys()].sort())
    expect(report.cleanup?.left.length).toBeGreaterThan(0)
  })

  it('only looks, unless it may do more', async () => {
    const site = await start({})
    await examine(site, { config: {} })
    const asked = new Set(site.requests.map((request) => request.split(' ')[0]))
    expect([...asked].sort()).toEqual(['GET', 'HEAD', 'OPTIONS', 'POST'])
    expect(site.requests.filter((request) => /^POST (?!\/mcp$)/.test(request))).toEqual([])
    expect(site.requests.filter((request) => request.startsWith('GET /authorize'))).toEqual([])
  })

  it('leaves nothing behind when it registers', async () => {
    const site = await start({})
    const { cleanup } = await examine(site, { active: true })
    expect(site.requests).toContain('POST /register')
    expect(cleanup?.left).toEqual([])
    expect(cleanup?.registered).toBeGreaterThan(0)
    expect([...site.state.clients.keys()]).toEqual([])
  })
})

describe('runDoctor() on a broken server', () => {
  it('has a server for every check', () => {
    const found = new Set(FAULTS.map(({ check }) => check))
    expect(CHECK_IDS.filter((id) => !found.has(id))).toEqual([])
  })

  it('has a server that fails for every check that can fail', () => {
    const failed = new Set(
      FAULTS.filter(({ status }) => status === 'failed').map(({ check }) => check),
    )
    const severe = CHECK_IDS.filter((id) => definitionOf(id).severity === 'error')
    expect(severe.filter((id) => !failed.has(id))).toEqual([])
    expect([...failed].filter((id) => definitionOf(id).severity !== 'error')).toEqual([])
  })

  it('has each server once', () => {
    const names = FAULTS.map(({ check, server }) => `${check} ${server}`)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBeGreaterThanOrEqual(130)
  })

  it.each(FAULTS.map((fault) => [`${fault.check}: a server that ${fault.server}`, fault] as const))(
    'reports %s, and nothing else',
    async (_name, fault) => {
      const site = await start(fault)
      const means = fault.means?.(site) ?? {}
      const report = await examine(site, means)
      if (fault.means === undefined) looked.set(fault, report)
      expect(complaintsOf(report)).toEqual([`${fault.check} ${fault.status}`])

      const { findings, clients } = report.checks.find(isComplaint) ?? { findings: [], clients: [] }
      for (const { sent, received, reason, fix } of findings) {
        for (const text of [sent, received, reason, fix]) expect(text).not.toBe('')
      }
      const { breaks } = definitionOf(fault.check)
      // A warning may be about people only, and not about a client.
      if (fault.status === 'failed') expect(clients.length).toBeGreaterThan(0)
      expect(clients.filter((client) => !breaks.includes(client))).toEqual([])
      expect([...site.state.clients.keys()]).toEqual([])
      const [header = '', claims = ''] = means.token?.split('.') ?? []
      if (means.token !== undefined) {
        expect(JSON.stringify(report)).not.toContain(means.token)
        expect(JSON.stringify(report)).not.toContain(claims === '' ? header : claims)
      }
    },
  )

  it.each(
    REGISTERED_AT.map((fault) => [`${fault.check}: a server that ${fault.server}`, fault] as const),
  )(
    'reports %s, and nothing else either when it may register and sign in',
    async (_name, fault) => {
      const site = await start(fault)
      const report = await examine(site, { active: true })
      expect(complaintsOf(report)).toEqual([`${fault.check} ${fault.status}`])
      expect([...site.state.clients.keys()]).toEqual([])
    },
  )

  it('passes for no client while more is unseen than at a good server', async () => {
    const open = idsThatNeed('active', 'token', 'config')
    const wrong: string[] = []
    let blocked = 0
    for (const fault of LOOKED_AT) {
      const { checks } = await lookAt(fault)
      for (const client of CLIENT_IDS) {
        const chosen = chooseFor(client, checks)
        const unseen = chosen.checks.filter(
          ({ id, status }) => status === 'skipped' && !open.includes(id),
        )
        if (chosen.blockedBy.length > 0) blocked += 1
        else if (unseen.length > 0 && !chosen.checks.some(({ status }) => status === 'failed')) {
          wrong.push(`${fault.check} ${fault.server}: ${unseen.map(({ id }) => id)} for ${client}`)
        }
      }
    }
    expect(wrong).toEqual([])
    expect(blocked).toBeGreaterThan(10)
  }, 120_000)

  it('is incomplete for a client that another fault hides it from', async () => {
    const fault = FAULTS.find(({ server }) => server === 'names no authorization server')
    const site = await start(fault ?? {})
    const report = await examine(site, { client: 'chatgpt' })
    expect([report.outcome, complaintsOf(report)]).toEqual(['incomplete', []])
    expect(report.remarks.join('\n')).toMatch(/DR-\d+ failed, for other clients/)
    const all = await examine(site, {})
    expect([all.outcome, complaintsOf(all)]).toEqual(['failed', [expect.stringMatching(/failed$/)]])
  })

  const pairOf = (...checks: readonly string[]): readonly Fault[] =>
    checks.map((check) => {
      const fault = FAULTS.find((each) => each.check === check)
      if (fault === undefined) throw new Error(`there is no server for ${check}`)
      return fault
    })

  // One fault must not hide another that has nothing to do with it.
  it.each([
    ['DR-4', 'DR-10'],
    ['DR-19', 'DR-27'],
    ['DR-12', 'DR-22'],
    ['DR-13', 'DR-29'],
    ['DR-14', 'DR-17'],
    ['DR-16', 'DR-28'],
    ['DR-18', 'DR-20'],
    ['DR-23', 'DR-31'],
    ['DR-7', 'DR-12'],
  ])('reports both when there is something for %s and for %s', async (...checks) => {
    const faults = pairOf(...checks)
    const replacement = Object.assign({}, ...faults.map((fault) => fault.replacement))
    const site = await start({ replacement })
    const report = await examine(site, { active: true })
    const found = report.checks.filter(isComplaint).map(({ id }) => id)
    expect(found.sort()).toEqual([...checks].sort())
  })

  it('takes the challenge of Cloudflare Access for what it is', async () => {
    const site = await start({
      replacement: {
        challenge: ({ resource }) =>
          `Bearer resource_metadata="${new URL(resource).origin}/.well-known/cloudflare-access-protected-resource/mcp"`,
        resourceMetadataPaths: () => [
          '/.well-known/cloudflare-access-protected-resource/mcp',
          '/.well-known/oauth-protected-resource/mcp',
          '/.well-known/oauth-protected-resource',
        ],
      },
    })
    const { checks } = await examine(site, {})
    const access = checks.find(({ id }) => id === 'DR-30')
    expect(access?.status).toBe('passed')
    expect(access?.hints.join()).toContain('redirect URIs')
  })
})
