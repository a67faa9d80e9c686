import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DoctorReport } from '../../src/doctor/report.js'
import { commandLine, temporaryFolder } from '../support/command-line.js'
import { json } from './broken-servers/exchange.js'
import { healthy } from './broken-servers/healthy.js'
import type { Replacement } from './broken-servers/parts.js'
import { type Layout, type Site, startSite } from './broken-servers/site.js'
import { networkError } from './support/answers.js'

async function start(replacement: Replacement = {}, layout: Layout = {}): Promise<Site> {
  const site = await startSite(replacement, layout)
  onTestFinished(() => site.close())
  return site
}

const statusOf = ({ checks }: DoctorReport, id: string) =>
  checks.find((each) => each.id === id)?.status

describe('mcp-auth doctor --token', () => {
  async function tokenOf(site: Site, change: object = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const grant = { clientId: 'client', scopes: ['notes.read'], resource: site.urls.resource }
    return site.key.mint({ ...healthy.claims(site.urls, grant, now), ...change })
  }

  it.each([
    ['stdin', (token: string) => ({ input: `${token}\n` })],
    ['a prompt', (token: string) => ({ typed: [`${token}\r`] })],
    ['a variable', (token: string) => ({ env: { MCP_AUTH_DOCTOR_TOKEN: token } })],
    ['a pasted header', (token: string) => ({ input: `Bearer ${token}` })],
    [
      'a file',
      (token: string) => {
        const path = join(temporaryFolder(), 'token')
        writeFileSync(path, `${token}\n`)
        return { env: { MCP_AUTH_DOCTOR_TOKEN_FILE: path } }
      },
    ],
  ])('reads it from %s, names the failing check, and never shows it', async (_name, means) => {
    const site = await start()
    const token = await tokenOf(site, {
      aud: 'https://other.example.com/mcp',
      email: 'ann@example.com',
    })
    const argv = ['doctor', site.urls.resource, '--token', '--no-color']
    const { code, stdout, stderr } = await commandLine(argv, { fetch: site.fetch, ...means(token) })
    expect(code).toBe(1)
    expect(stdout).toContain('FAIL  DR-25')
    expect(stdout.replace(/\s+/g, ' ')).toContain(`audience: expected "${site.urls.resource}"`)
    expect(stdout).toContain('aud: "https://other.example.com/mcp"')
    for (const part of token.split('.')) expect(stdout + stderr).not.toContain(part)
    expect(stdout + stderr).not.toContain('ann@example.com')
  })

  it('passes a token that is good', async () => {
    const site = await start()
    const options = { fetch: site.fetch, input: await tokenOf(site) }
    const { stdout } = await commandLine(
      ['doctor', site.urls.resource, '--token', '--json'],
      options,
    )
    expect(statusOf(JSON.parse(stdout), 'DR-25')).toBe('passed')
  })

  it.each([
    ['nothing', ''],
    ['blanks', 'a b'],
    ['characters that no header has', 'tökén'],
  ])('refuses %s', async (_name, input) => {
    const site = await start()
    const argv = ['doctor', site.urls.resource, '--token']
    const { code, stderr } = await commandLine(argv, { fetch: site.fetch, input })
    expect(code).toBe(2)
    if (input !== '') expect(stderr).not.toContain(input)
  })
})

describe('mcp-auth doctor --config', () => {
  const PUBLIC = {
    resource: 'https://notes.example.com',
    authorization: 'https://login.example.com',
  }

  it('compares the public URL of the configuration with the one that people enter', async () => {
    const site = await start({}, { names: PUBLIC })
    const argv = ['doctor', site.urls.resource, '--config', '--json']
    const same = { PUBLIC_URL: PUBLIC.resource }
    const other = { PUBLIC_URL: 'https://old.example.com' }
    const [good, bad] = await Promise.all(
      [same, other].map((env) => commandLine(argv, { fetch: site.fetch, env })),
    )
    expect(statusOf(good?.json() as DoctorReport, 'DR-3')).toBe('passed')
    expect(statusOf(bad?.json() as DoctorReport, 'DR-3')).toBe('failed')
  })

  it('reads the file that it names, below the variables of the process', async () => {
    const site = await start({}, { names: PUBLIC })
    const file = join(temporaryFolder(), '.env')
    writeFileSync(file, 'PUBLIC_URL=https://old.example.com\nSTYTCH_SECRET=canary-77\n')
    const argv = ['doctor', site.urls.resource, '--config', file, '--json']
    const wrong = await commandLine(argv, { fetch: site.fetch })
    expect(statusOf(wrong.json() as DoctorReport, 'DR-3')).toBe('failed')
    expect(wrong.stdout).toContain('STYTCH_SECRET is set and not used')
    expect(wrong.stdout + wrong.stderr).not.toContain('canary-77')
    const env = { PUBLIC_URL: PUBLIC.resource }
    const right = await commandLine(argv, { fetch: site.fetch, env })
    expect(statusOf(right.json() as DoctorReport, 'DR-3')).toBe('passed')
  })

  it('ends with 3 when the file cannot be read', async () => {
    const argv = ['doctor', 'https://notes.example.com/mcp', '--config', '/nowhere/at/all']
    expect((await commandLine(argv)).code).toBe(3)
  })

  it('says what the binding of Stytch tokens means', async () => {
    const site = await start()
    const env = { STYTCH_PROJECT_ID: 'project-test-1' }
    const argv = ['doctor', site.urls.resource, '--config', '--json']
    const { stdout } = await commandLine(argv, { fetch: site.fetch, env })
    expect(stdout).toContain('resource binding')
  })
})

describe('mcp-auth doctor --active', () => {
  const PUBLIC = {
    resource: 'https://notes.example.com',
    authorization: 'https://login.example.com',
  }

  it('asks before it registers anything off loopback, and does not without an answer', async () => {
    const site = await start({}, { names: PUBLIC })
    const argv = ['doctor', site.urls.resource, '--active']
    const refused = await commandLine(argv, { fetch: site.fetch })
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('"login.example.com"')
    expect(site.requests).not.toContain('POST /register')
    expect(site.requests.filter((request) => request.startsWith('GET /authorize'))).toEqual([])
    const confirmed = await commandLine([...argv, '--yes', '--json'], { fetch: site.fetch })
    expect(confirmed.code).toBe(0)
    expect(JSON.parse(confirmed.stdout).cleanup).toEqual({ registered: 5, removed: 5, left: [] })
  })

  it('removes what it registered when it is interrupted', async () => {
    const interruption = new AbortController()
    const site = await start()
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const answer = await site.fetch(input, init)
      const isRegistration = init?.method === 'POST' && String(input).endsWith('/register')
      if (isRegistration && site.state.clients.size === 5) interruption.abort()
      return answer
    }
    const { signal } = interruption
    const argv = ['doctor', site.urls.resource, '--active']
    const { code, stdout } = await commandLine(argv, { fetch, signal })
    expect([code, stdout]).toEqual([130, ''])
    expect([...site.state.clients.keys()]).toEqual([])
  })

  it('is refused together with --watch', async () => {
    const { code } = await commandLine(['doctor', 'http://127.0.0.1:1/mcp', '--active', '--watch'])
    expect(code).toBe(2)
  })
})

describe('mcp-auth doctor --watch', () => {
  it('writes what is different, and nothing while nothing is', async () => {
    const interruption = new AbortController()
    let state: 'down' | 'broken' | 'well' = 'down'
    let runs = 0
    const site = await start({
      refuse: (challenge, refusal, request) =>
        state === 'broken'
          ? json(401, { error: 'unauthorized' })
          : healthy.refuse(challenge, refusal, request),
    })
    const fetch: typeof globalThis.fetch = (input, init) => {
      // The first request of each run.
      if (new Headers(init?.headers).get('content-type') !== null && init?.body !== undefined) {
        const {
          authorization,
          origin,
          'user-agent': agent,
          'x-forwarded-host': host,
        } = Object.fromEntries(new Headers(init.headers))
        if (
          authorization === undefined &&
          origin === undefined &&
          host === undefined &&
          agent === 'mcp-auth-doctor'
        ) {
          runs += 1
          if (runs === 2) state = 'broken'
          if (runs === 4) state = 'well'
          if (runs === 6) interruption.abort()
        }
      }
      return state === 'down'
        ? Promise.reject(networkError('ECONNREFUSED'))
        : site.fetch(input, init)
    }
    const argv = ['doctor', site.urls.resource, '--watch', '--interval', '1', '--json']
    const { signal } = interruption
    const { code, stdout } = await commandLine(argv, { fetch, signal })
    const reports: DoctorReport[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(code).toBe(130)
    expect(reports.map(({ outcome }) => outcome)).toEqual(['unreachable', 'failed', 'passed'])
    expect(runs).toBe(6)
  })
})

describe('docs/TROUBLESHOOTING.md', () => {
  const page = readFileSync(new URL('../../../../docs/TROUBLESHOOTING.md', import.meta.url), 'utf8')

  it('has the place that every check links to', async () => {
    const { urls, fetch } = await start()
    const { stdout } = await commandLine(['doctor', urls.resource, '--json'], { fetch })
    const { checks }: DoctorReport = JSON.parse(stdout)
    const manifest = new URL('../../package.json', import.meta.url)
    const { repository } = JSON.parse(readFileSync(manifest, 'utf8'))
    for (const { id, link } of checks) {
      const place = `blob/main/docs/TROUBLESHOOTING.md#${id.toLowerCase()}`
      expect(link).toBe(`${repository.url.replace(/^git\+|\.git$/g, '')}/${place}`)
      expect(page).toContain(`\n### ${id}\n`)
    }
  })
})
