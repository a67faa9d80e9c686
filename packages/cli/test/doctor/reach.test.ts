import { describe, expect, it } from 'vitest'
import { createProber } from '../../src/doctor/http/prober.js'
import { createReach } from '../../src/doctor/http/reach.js'
import { runDoctor } from '../../src/doctor/run-doctor.js'
import { pathMetadataUrl } from '../../src/doctor/survey/resource-survey.js'
import { serverMetadataUrls } from '../../src/doctor/survey/server-survey.js'
import { startSite } from './broken-servers/site.js'
import { fakeFetch } from './support/answers.js'

const PUBLIC = new URL('https://notes.example.com/mcp')

/** Names as an attacker, or a company, can have them. */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  'notes.example.com': ['93.184.215.14'],
  'login.example.com': ['93.184.215.15', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'],
  '127.0.0.1.nip.io': ['127.0.0.1'],
  'mixed.example.com': ['93.184.215.16', '10.0.0.1'],
  'mapped.example.com': ['::ffff:169.254.169.254'],
  'intranet.example.com': ['10.0.0.7'],
}

const resolve = async (hostname: string): Promise<readonly string[]> => {
  const found = ADDRESSES[hostname]
  if (found === undefined) throw new Error('ENOTFOUND')
  return found
}

describe('createReach()', () => {
  it.each([
    'https://notes.example.com/x',
    'https://login.example.com/token',
    'https://93.184.215.14/',
    'https://nobody-knows.example.com/',
  ])('lets a public server lead to %s', async (url) =>
    expect(await createReach(PUBLIC, resolve)(new URL(url))).toBe(true),
  )

  it.each([
    'http://127.0.0.1.nip.io:9999/',
    'https://mixed.example.com/',
    'https://mapped.example.com/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost./',
    'file:///etc/passwd',
  ])('lets no public server lead to %s', async (url) =>
    expect(await createReach(PUBLIC, resolve)(new URL(url))).toBe(false),
  )

  it('lets a server of the inner network lead anywhere in it, also when its name looks public', async () => {
    const reach = createReach(new URL('https://intranet.example.com/mcp'), resolve)
    expect(await reach(new URL('http://10.0.0.8/token'))).toBe(true)
  })

  it('does not take a server with one public address for one of the inner network', async () => {
    const reach = createReach(new URL('https://mixed.example.com/mcp'), resolve)
    expect(await reach(new URL('http://10.0.0.8/token'))).toBe(false)
    expect(await reach(new URL('https://mixed.example.com/mcp'))).toBe(true)
  })
})

describe('createProber() with a reach', () => {
  function proberFor(target: URL) {
    const asked: string[] = []
    const fetch = fakeFetch(({ url }) => {
      asked.push(url.href)
      return {}
    })
    const signal = new AbortController().signal
    const mayReach = createReach(target, resolve)
    return { asked, probe: createProber({ fetch, deadline: 5000, signal, mayReach }) }
  }

  it('sends nothing to an inner address, and says why', async () => {
    const { asked, probe } = proberFor(PUBLIC)
    const { answer, failure } = await probe({ method: 'POST', url: 'http://127.0.0.1.nip.io/x' })
    expect([answer, failure?.code, asked]).toEqual([undefined, 'INNER_ADDRESS', []])
  })

  it('sends what goes to a public one', async () => {
    const { asked, probe } = proberFor(PUBLIC)
    const { answer } = await probe({ url: 'https://login.example.com/x' })
    expect([answer?.status, asked]).toEqual([200, ['https://login.example.com/x']])
  })

  it('waits for a name no longer than for an answer', async () => {
    const mayReach = createReach(PUBLIC, () => new Promise(() => undefined))
    const signal = new AbortController().signal
    const probe = createProber({ fetch, deadline: 50, signal, mayReach })
    const { failure } = await probe({ url: 'https://login.example.com/x' })
    expect(failure?.code).toBe('DEADLINE')
  })
})

describe('the addresses of metadata', () => {
  it.each([
    'http://93.184.215.14//127.0.0.1:9999',
    'https://login.example.com//evil.example.net/a',
  ])('are of the origin of the issuer %s', (text) => {
    const issuer = new URL(text)
    for (const [, url] of serverMetadataUrls(issuer)) {
      expect(new URL(url).origin).toBe(issuer.origin)
    }
  })

  it('keep the path of an ordinary issuer, and the query of an endpoint', () => {
    const urls = serverMetadataUrls(new URL('https://login.example.com/tenant')).map(
      ([, url]) => url,
    )
    expect(urls).toEqual([
      'https://login.example.com/.well-known/oauth-authorization-server/tenant',
      'https://login.example.com/.well-known/openid-configuration/tenant',
      'https://login.example.com/tenant/.well-known/openid-configuration',
    ])
    expect(pathMetadataUrl(new URL('https://notes.example.com/mcp?a=b'))).toBe(
      'https://notes.example.com/.well-known/oauth-protected-resource/mcp?a=b',
    )
  })
})

describe('runDoctor() at a public server', () => {
  it('is not led into the inner network by the names of its authorization server', async () => {
    const names = { resource: PUBLIC.origin, authorization: 'https://127.0.0.1.nip.io' }
    const site = await startSite({}, { names })
    try {
      const { checks } = await runDoctor({ url: site.urls.resource, fetch: site.fetch, resolve })
      const found = checks.filter(({ findings }) => findings.length > 0)
      expect(found.map(({ id }) => id)).toEqual(['DR-8'])
      expect(found[0]?.reason).toContain('leads into an inner network')
      expect(site.requests.filter((each) => each.includes('authorization-server'))).toEqual([
        // The place of clients of 2025-03-26, on the host of the endpoint.
        'GET /.well-known/oauth-authorization-server',
      ])
    } finally {
      await site.close()
    }
  })
})
