import { describe, expect, it, onTestFinished } from 'vitest'
import { assess } from '../../src/doctor/assess.js'
import { askEndpoint } from '../../src/doctor/find-endpoint.js'
import { createProber } from '../../src/doctor/http/prober.js'
import { formatReport } from '../../src/doctor/output/format-report.js'
import { runDoctor } from '../../src/doctor/run-doctor.js'
import { type Survey, surveyTarget } from '../../src/doctor/survey/survey.js'
import { createColors } from '../../src/output/colors.js'
import { commandLine } from '../support/command-line.js'
import { json } from './broken-servers/exchange.js'
import { healthy } from './broken-servers/healthy.js'
import type { Replacement } from './broken-servers/parts.js'
import { type Layout, type Site, startSite } from './broken-servers/site.js'

async function start(replacement: Replacement = {}, layout: Layout = {}): Promise<Site> {
  const site = await startSite(replacement, layout)
  onTestFinished(() => site.close())
  return site
}

/** Registers, and offers no way to remove a client. */
const WITHOUT_REMOVAL: Replacement = {
  registration: ({ document }) =>
    json(201, {
      ...document,
      registration_client_uri: undefined,
      registration_access_token: undefined,
    }),
}

describe('mcp-auth doctor --active at a server on this machine', () => {
  const FOREIGN: Layout = { names: { authorization: 'https://login.example.com' } }

  it('asks before it writes to an authorization server elsewhere, and names it', async () => {
    const site = await start({}, FOREIGN)
    const argv = ['doctor', site.urls.resource, '--active']
    const refused = await commandLine(argv, { fetch: site.fetch })
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('"login.example.com"')
    expect(site.requests.filter((each) => /^POST \/(?!mcp$)|\/authorize/.test(each))).toEqual([])
    const asked = await commandLine(argv, { fetch: site.fetch, typed: ['y'] })
    expect([asked.code, site.requests.includes('POST /register')]).toEqual([0, true])
  })

  it('asks nobody where that is on this machine too', async () => {
    const site = await start()
    const { code } = await commandLine(['doctor', site.urls.resource, '--active'], {
      fetch: site.fetch,
    })
    expect([code, site.requests.includes('POST /register')]).toEqual([0, true])
  })
})

describe('what --active leaves', () => {
  it('is named with its ids, and fails with --strict alone', async () => {
    const site = await start(WITHOUT_REMOVAL)
    const argv = ['doctor', site.urls.resource, '--active']
    const lenient = await commandLine(argv, { fetch: site.fetch })
    expect(lenient.code).toBe(0)
    const ids = [...site.state.clients.keys()]
    expect(ids).toHaveLength(5)
    expect(ids.filter((id) => !lenient.stdout.includes(`- "${id}"`))).toEqual([])
    const strict = await commandLine([...argv, '--strict'], { fetch: site.fetch })
    expect(strict.code).toBe(1)
    expect(strict.stderr).toContain('5 registered clients could not be removed')
  })

  it('fails not even with --strict when it is nothing', async () => {
    const site = await start()
    const argv = ['doctor', site.urls.resource, '--active', '--strict']
    expect((await commandLine(argv, { fetch: site.fetch })).code).toBe(0)
  })

  it('is told also when the run is interrupted', async () => {
    const interruption = new AbortController()
    const site = await start(WITHOUT_REMOVAL)
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const answer = await site.fetch(input, init)
      if (site.state.clients.size === 5) interruption.abort()
      return answer
    }
    const argv = ['doctor', site.urls.resource, '--active']
    const { code, stdout, stderr } = await commandLine(argv, { fetch, signal: interruption.signal })
    expect([code, stdout]).toEqual([130, ''])
    const ids = [...site.state.clients.keys()]
    expect(ids.filter((id) => !stderr.includes(id))).toEqual([])
  })

  it('is in the report when the way to remove it fails, and nothing is registered when it cannot begin', async () => {
    const site = await start(WITHOUT_REMOVAL)
    const { url, fetch } = { url: site.urls.resource, fetch: site.fetch }
    const { cleanup } = await runDoctor({
      url,
      fetch,
      active: true,
      removeClients: async (ids) => {
        if (ids.length > 0) throw new TypeError('gone')
        return []
      },
    })
    expect(cleanup?.left).toHaveLength(5)
    expect(cleanup?.failure).toContain('TypeError')

    const registered = site.state.clients.size
    const removeClients = () => Promise.reject(new Error('no database'))
    await expect(runDoctor({ url, fetch, active: true, removeClients })).rejects.toThrow('database')
    expect(site.state.clients.size).toBe(registered)
  })

  it('is no token: each one that was issued is revoked', async () => {
    const issued: string[] = []
    const revoked: string[] = []
    const site = await start()
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const answer = await site.fetch(input, init)
      const { pathname } = new URL(String(input))
      if (pathname === '/revoke') {
        revoked.push(new URLSearchParams(String(init?.body)).get('token') ?? '')
      }
      if (pathname === '/token' && answer.ok) {
        const { access_token, refresh_token } = await answer.clone().json()
        issued.push(access_token, refresh_token)
      }
      return answer
    }
    await runDoctor({ url: site.urls.resource, fetch, active: true })
    expect(issued.length).toBeGreaterThan(6)
    expect([...new Set(revoked)].sort()).toEqual([...new Set(issued)].sort())
  })
})

describe('runDoctor() with --active at a server that means harm', () => {
  it('sends no token to a revocation endpoint in the inner network', async () => {
    const site = await start(
      {
        serverMetadata: (urls, path) => ({
          ...healthy.serverMetadata(urls, path),
          revocation_endpoint: 'https://127.0.0.1.nip.io/delete-all',
        }),
      },
      {
        names: {
          resource: 'https://notes.example.com',
          authorization: 'https://login.example.com',
        },
      },
    )
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      asked.push(new URL(String(input)).hostname)
      return site.fetch(input, init)
    }
    const resolve = async (name: string) => [
      name.endsWith('nip.io') ? '127.0.0.1' : '93.184.215.14',
    ]
    const { cleanup } = await runDoctor({ url: site.urls.resource, fetch, resolve, active: true })
    expect(cleanup).toMatchObject({ registered: 5, removed: 5 })
    expect(asked).not.toContain('127.0.0.1.nip.io')
    expect(asked).toContain('login.example.com')
  })

  it('lets no escape sequence of a scope through', async () => {
    const site = await start({
      resourceMetadata: (urls, path) => ({
        ...healthy.resourceMetadata(urls, path),
        scopes_supported: ['notes.read', '\u001b]0;owned\u0007\u001b[2J'],
      }),
      registration: ({ document }) => json(200, document),
    })
    const argv = ['doctor', site.urls.resource, '--active', '--no-color']
    const { stdout } = await commandLine(argv, { fetch: site.fetch })
    expect(stdout).toContain('DR-12')
    expect([...stdout].filter((each) => each < ' ' && each !== '\n')).toEqual([])
  })

  it.each(['my-server', 'not a url'])('survives the resource %s', async (resource) => {
    const site = await start({
      resourceMetadata: (urls, path) => ({ ...healthy.resourceMetadata(urls, path), resource }),
    })
    // An authorization server that looks at no resource.
    const fetch: typeof globalThis.fetch = (input, init) => {
      const url = new URL(String(input))
      if (url.searchParams.get('resource') === resource) url.searchParams.delete('resource')
      const form = new URLSearchParams(typeof init?.body === 'string' ? init.body : '')
      if (form.get('resource') !== resource) return site.fetch(url, init)
      form.delete('resource')
      return site.fetch(url, { ...init, body: form.toString() })
    }
    const report = await runDoctor({ url: site.urls.resource, fetch, active: true })
    expect(report.outcome).toBe('failed')
    expect(report.checks.find(({ id }) => id === 'DR-11')?.status).toBe('failed')
    expect(report.checks.find(({ id }) => id === 'DR-22')?.status).toBe('passed')
    expect([...site.state.clients.keys()]).toEqual([])
  })
})

describe('assess()', () => {
  it('skips a check that fails by itself, says so, and makes the others', async () => {
    const site = await start()
    const { signal } = new AbortController()
    const probe = createProber({ fetch: site.fetch, deadline: 5000, signal })
    const { target, anonymous } = await askEndpoint(probe, new URL(site.urls.resource))
    const survey = await surveyTarget(probe, target, anonymous)
    const faulty: Survey = {
      ...survey,
      get agents(): never {
        throw new TypeError('canary')
      },
    }
    const rest = {
      active: undefined,
      token: undefined,
      configured: undefined,
      documents: undefined,
      client: undefined,
    }
    const faults: string[] = []
    const { checks: results } = assess({ survey: faulty, ...rest }, () => faults.push('fault'))
    const { checks: sound } = assess({ survey, ...rest }, () => faults.push('no fault'))
    expect(faults).toEqual(['fault'])
    const [check] = results.filter(({ status }, at) => status !== sound[at]?.status)
    expect([check?.id, check?.status]).toEqual(['DR-26', 'skipped'])
    expect(check?.reason).toContain('(TypeError)')
    expect(check?.reason).not.toContain('canary')
  })
})

describe('formatReport()', () => {
  it('escapes what a check did not quote', async () => {
    const site = await start({ refuse: () => json(401, {}) })
    const report = await runDoctor({ url: site.urls.resource, fetch: site.fetch })
    const checks = report.checks.map((each) => ({
      ...each,
      findings: each.findings.map((finding) => ({ ...finding, sent: '\u001b[2J\u202e' })),
    }))
    const lines = formatReport({ ...report, checks }, { colors: createColors(false), quiet: false })
    const text = lines.join('\n')
    expect(text).toContain('\\u001b[2J\\u202e')
    expect(text).not.toContain('\u001b')
  })
})
