import { describe, expect, it, onTestFinished } from 'vitest'
import type { DoctorReport } from '../../src/doctor/report.js'
import { commandLine } from '../support/command-line.js'
import { json } from './broken-servers/exchange.js'
import { healthy } from './broken-servers/healthy.js'
import type { Replacement } from './broken-servers/parts.js'
import { type Layout, type Site, startSite } from './broken-servers/site.js'
import { fakeFetch, networkError } from './support/answers.js'

async function start(replacement: Replacement = {}, layout: Layout = {}): Promise<Site> {
  const site = await startSite(replacement, layout)
  onTestFinished(() => site.close())
  return site
}

/** One warning and nothing else. */
const WARNING: Replacement = {
  resourceMetadata: (urls, path) => ({
    ...healthy.resourceMetadata(urls, path),
    authorization_servers: [urls.issuer, 'https://second.example.com'],
  }),
}
const FAILURE: Replacement = { refuse: () => json(401, { error: 'unauthorized' }) }

const statusOf = ({ checks }: DoctorReport, id: string) =>
  checks.find((each) => each.id === id)?.status

it('names --config when its file cannot be read', async () => {
  const argv = ['doctor', 'http://127.0.0.1:9/mcp', '--config', '/nowhere/at/all']
  const { code, stderr } = await commandLine(argv)
  expect([code, stderr]).toEqual([3, 'error: --config names a file that cannot be read (ENOENT)\n'])
})

describe('mcp-auth doctor', () => {
  it('ends with 0, says so, and names the causes on the side of clients', async () => {
    const { urls, fetch } = await start()
    const { code, stdout, stderr } = await commandLine(['doctor', urls.resource], { fetch })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('\nChallenge\n  pass  DR-1 ')
    expect(stdout).toMatch(/\n\d+ passed, 0 failed, 0 warnings, \d+ skipped in \d+\.\d s\n/)
    expect(stdout).toContain('Server-side checks pass.')
    expect(stdout).not.toContain('\u001b')
  })

  it('ends with 1 for a failed check, with what was sent, what came back, whom it breaks and the fix', async () => {
    const { urls, fetch } = await start(FAILURE)
    const { code, stdout, stderr } = await commandLine(['doctor', urls.resource], { fetch })
    expect([code, stderr]).toEqual([1, 'error: 1 check failed\n'])
    expect(stdout).toContain('  FAIL  DR-1 ')
    expect(stdout).toContain(`sent      POST ${urls.resource} (initialize, no token)`)
    expect(stdout).toContain('received  401, no www-authenticate')
    expect(stdout).toContain(
      'breaks    ChatGPT, Claude, Claude Code, Cursor, VS Code, MCP Inspector,',
    )
    expect(stdout).toContain('fix       answer 401 with WWW-Authenticate: Bearer')
    expect(stdout).toContain(
      'more      https://github.com/bestviable/mcp-auth-middleware/blob/main/docs/TROUBLESHOOTING.md#dr-1\n',
    )
    expect(stdout).not.toContain('Server-side checks pass')
  })

  it('ends with 0 for warnings, and with --strict with 1', async () => {
    const { urls, fetch } = await start(WARNING)
    const lenient = await commandLine(['doctor', urls.resource], { fetch })
    expect([lenient.code, lenient.stderr]).toEqual([0, ''])
    expect(lenient.stdout).toContain('1 warning,')
    const strict = await commandLine(['doctor', urls.resource, '--strict'], { fetch })
    expect([strict.code, strict.stderr]).toEqual([
      1,
      'error: 0 checks failed, and 1 ended with a warning\n',
    ])
  })

  it('writes with --json one document, also when a check failed', async () => {
    const { urls, fetch } = await start(FAILURE)
    const { code, stdout, stderr } = await commandLine(['doctor', urls.resource, '--json'], {
      fetch,
    })
    const report: DoctorReport = JSON.parse(stdout)
    expect([code, report.outcome, report.checks.length]).toEqual([1, 'failed', 32])
    expect(report.counts.failed).toBe(1)
    expect(JSON.parse(stderr)).toEqual({ error: 'refused', message: '1 check failed' })
  })

  it('shows with --quiet what was found only', async () => {
    const { urls, fetch } = await start(FAILURE)
    const { stdout } = await commandLine(['doctor', urls.resource, '--quiet'], { fetch })
    expect(stdout).toContain('FAIL  DR-1')
    expect(stdout).not.toMatch(/ {2}(?:pass|skip) {2}/)
  })

  it('uses colours at a terminal, and none with --no-color', async () => {
    const { urls, fetch } = await start(FAILURE)
    const options = { fetch, isTerminal: { stdout: true } }
    const colored = await commandLine(['doctor', urls.resource], options)
    expect(colored.stdout).toContain('\u001b[31mFAIL\u001b[39m')
    const plain = await commandLine(['doctor', urls.resource, '--no-color'], options)
    expect(plain.stdout).not.toContain('\u001b')
  })

  it('leaves out with --client what does not matter to it', async () => {
    const { urls, fetch } = await start({ ...healthy, corsHeaders: () => ({}) })
    const chatgpt = await commandLine(['doctor', urls.resource, '--client', 'chatgpt', '--json'], {
      fetch,
    })
    const inspector = await commandLine(
      ['doctor', urls.resource, '--client', 'inspector', '--json'],
      { fetch },
    )
    const reports: DoctorReport[] = [chatgpt, inspector].map(({ stdout }) => JSON.parse(stdout))
    expect(reports.map((report) => statusOf(report, 'DR-23'))).toEqual([undefined, 'failed'])
    expect([chatgpt.code, inspector.code]).toEqual([0, 1])
  })

  it('says with --client how to register that client by hand', async () => {
    const { urls, fetch } = await start({
      serverMetadata: (each, path) => ({
        ...healthy.serverMetadata(each, path),
        registration_endpoint: undefined,
        client_id_metadata_document_supported: undefined,
      }),
    })
    const { stdout } = await commandLine(['doctor', urls.resource, '--client', 'cursor'], { fetch })
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'Cursor: redirect URIs cursor://anysphere.cursor-mcp/oauth/callback',
    )
    expect(stdout).not.toContain('claude mcp add')
  })

  it.each([
    ['no URL', 'coda.example.com/mcp'],
    ['another scheme', 'ftp://coda.example.com/mcp'],
    ['a user', 'https://ann:canary-3e@coda.example.com/mcp'],
    ['a fragment', 'https://coda.example.com/mcp#canary-3e'],
    ['a token', 'canary-3e'],
  ])('refuses %s without repeating it', async (_name, url) => {
    const { code, stdout, stderr } = await commandLine(['doctor', url])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('the URL must be http(s)')
    expect(stderr).not.toContain('canary-3e')
  })

  it.each([
    ['a name that nobody knows', networkError('ENOTFOUND'), /cannot be resolved \(ENOTFOUND\)/],
    ['a refused connection', networkError('ECONNREFUSED'), /refused the connection/],
    ['a certificate', networkError('CERT_HAS_EXPIRED'), /certificate of .* \(CERT_HAS_EXPIRED\)/],
    ['a reset', networkError('ECONNRESET'), /broke off \(ECONNRESET\)/],
    ['silence', networkError('UND_ERR_CONNECT_TIMEOUT'), /did not answer in time/],
  ])('says once that there is %s, and ends with 4', async (_name, error, message) => {
    const fetch = fakeFetch(() => {
      throw error
    })
    const url = 'https://coda.example.com/mcp'
    const people = await commandLine(['doctor', url], { fetch })
    expect([people.code, people.stdout]).toEqual([4, ''])
    expect(people.stderr).toMatch(message)
    expect(people.stderr.trimEnd().split('\n')).toHaveLength(1)
    const program = await commandLine(['doctor', url, '--json'], { fetch })
    const report: DoctorReport = JSON.parse(program.stdout)
    expect([program.code, report.outcome, report.counts.skipped]).toEqual([4, 'unreachable', 32])
  })

  it.each([
    [502, 4],
    [503, 4],
    [530, 4],
    [500, 1],
    [404, 1],
  ])('takes %i for what it is, with the exit code %i', async (status, expected) => {
    const fetch = fakeFetch(() => ({ status, body: { error: 'x' } }))
    const { code } = await commandLine(['doctor', 'https://coda.example.com/mcp'], { fetch })
    expect(code).toBe(expected)
  })

  it('does not wait for a server that hangs', async () => {
    const fetch: typeof globalThis.fetch = (_input, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
    const before = performance.now()
    const argv = ['doctor', 'https://coda.example.com/mcp', '--timeout', '1']
    const { code, stderr } = await commandLine(argv, { fetch })
    expect([code, performance.now() - before < 4000]).toEqual([4, true])
    expect(stderr).toContain('did not answer in time')
  })

  it('shows nothing of a server that a terminal would act on', async () => {
    const { urls, fetch } = await start({
      refuse: () => json(401, { error: '\u001b]0;owned\u0007\u202e' }, { 'x-a': 'b' }),
      challenge: () => 'Bearer',
    })
    const { stdout } = await commandLine(['doctor', urls.resource], { fetch })
    const codes = [...stdout].map((character) => character.charCodeAt(0))
    expect(codes.filter((code) => code < 32 && code !== 10)).toEqual([])
    expect(codes.filter((code) => (code > 126 && code < 160) || code === 0x202e)).toEqual([])
  })

  it('writes such characters of a server into no JSON either, and keeps their value', async () => {
    const issuer = 'http://127.0.0.1/\u009b31mX\u202e'
    const { urls, fetch } = await start({
      resourceMetadata: (each, path) => ({
        ...healthy.resourceMetadata(each, path),
        authorization_servers: [issuer],
      }),
    })
    const argv = ['doctor', urls.resource, '--json']
    const { stdout, json: parse } = await commandLine(argv, { fetch })
    expect(stdout).toMatch(/^[\n\x20-\x7e\u2026]*$/)
    expect((parse() as DoctorReport).issuer).toBe(issuer)
  })
})
