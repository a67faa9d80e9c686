import { describe, expect, it, onTestFinished } from 'vitest'
import { createRedactor } from '../../src/doctor/output/redact.js'
import { commandLine } from '../support/command-line.js'
import { json, type Received } from './broken-servers/exchange.js'
import { healthy } from './broken-servers/healthy.js'
import type { Replacement } from './broken-servers/parts.js'
import { startSite } from './broken-servers/site.js'

const tokenIn = ({ headers }: Pick<Received, 'headers'>): string =>
  (headers.authorization ?? '').replace('Bearer ', '')

/** A server that repeats each token it refuses in its challenge, and in a page. */
const ECHOING: Replacement = {
  acceptsClaims: () => false,
  refuse: (challenge, refusal, request) =>
    json(
      refusal === 'missing scope' ? 403 : 401,
      { error: 'invalid_token', token: tokenIn(request) },
      { 'www-authenticate': `${challenge}, error_description="bad: ${tokenIn(request)}"` },
    ),
}

async function start(replacement: Replacement) {
  const site = await startSite(replacement)
  onTestFinished(() => site.close())
  return site
}

/** Every stretch of eight characters of a token. */
function partsOf(token: string): readonly string[] {
  return Array.from({ length: token.length - 7 }, (_, at) => token.slice(at, at + 8))
}

describe('mcp-auth doctor at a server that repeats tokens', () => {
  it.each([
    ['a JWT', [] as string[]],
    ['a JWT, as JSON', ['--json']],
  ])('shows no part of %s', async (_name, flags) => {
    const site = await start(ECHOING)
    const grant = { clientId: 'client', scopes: ['notes.read'], resource: site.urls.resource }
    const input = site.issue(grant)
    const argv = ['doctor', site.urls.resource, '--token', ...flags]
    const { stdout, stderr } = await commandLine(argv, { fetch: site.fetch, input })
    expect(partsOf(input).filter((part) => (stdout + stderr).includes(part))).toEqual([])
    // What it says of the token is there even so.
    expect(stdout.replace(/\s+/g, ' ')).toContain('the token is for this server')
    expect(stdout).toContain('bad: …')
  })

  it.each(['opaque-CANARY-4f1c22d0a7', 'kurz7', 'a"b\\c-CANARY-"\\"'])(
    'shows no part of the opaque token %s',
    async (input) => {
      const site = await start(ECHOING)
      for (const flags of [[], ['--json']]) {
        const argv = ['doctor', site.urls.resource, '--token', ...flags]
        const { stdout } = await commandLine(argv, { fetch: site.fetch, input })
        expect(stdout).toContain('DR-25')
        expect(stdout).not.toContain(input)
        expect(stdout).not.toContain('CANARY')
      }
    },
  )

  it('shows no part of a token that --active got', async () => {
    const issued: string[] = []
    const site = await start({
      ...ECHOING,
      tokenAnswer: (document) => {
        issued.push(String(document.access_token))
        return healthy.tokenAnswer(document)
      },
    })
    const argv = ['doctor', site.urls.resource, '--active', '--json']
    const { stdout } = await commandLine(argv, { fetch: site.fetch })
    expect(issued.length).toBeGreaterThan(0)
    expect(issued.flatMap(partsOf).filter((part) => stdout.includes(part))).toEqual([])
  })

  it.each([[], ['--json']])('shows no value of the query of the URL %j', async (...flags) => {
    const site = await start({ refuse: () => json(401, { error: 'unauthorized' }) })
    const url = `${site.urls.resource}?api_key=CANARY-77&v=2`
    const { stdout } = await commandLine(['doctor', url, ...flags], { fetch: site.fetch })
    expect(stdout).toContain('?api_key=…&v=…')
    expect(stdout).not.toContain('CANARY-77')
  })
})

describe('createRedactor()', () => {
  const target = new URL('https://notes.example.com/mcp?key=CANARY-1234')
  const redact = createRedactor({ tokens: ['abcdefghij.klmnopqrst', 'short'], target })

  it.each([
    ['a token', 'got abcdefghij.klmnopqrst now', 'got … now'],
    ['a segment', 'got klmnopqrst now', 'got … now'],
    ['a token that was cut', '"abcdefghij.klm…"', '"……"'],
    ['a short token', 'got short now', 'got … now'],
    ['the query', `to ${target.href}`, 'to https://notes.example.com/mcp?key=…'],
    ['its value', 'key CANARY-1234 is bad', 'key … is bad'],
  ])('leaves out %s', (_name, text, expected) => expect(redact(text)).toBe(expected))

  it.each(['got abcdefg now', 'got bcd.klm now', 'https://notes.example.com/mcp?key', 'CANARY-12'])(
    'leaves %s as it is',
    (text) => expect(redact(text)).toBe(text),
  )
})
