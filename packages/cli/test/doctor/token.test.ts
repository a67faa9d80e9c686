import { describe, expect, it, onTestFinished } from 'vitest'
import { formatChanges } from '../../src/doctor/output/format-report.js'
import type { DoctorReport } from '../../src/doctor/report.js'
import { runDoctor } from '../../src/doctor/run-doctor.js'
import { createColors } from '../../src/output/colors.js'
import { empty, type JsonObject, type Received } from './broken-servers/exchange.js'
import { healthy } from './broken-servers/healthy.js'
import type { Replacement } from './broken-servers/parts.js'
import { startSite } from './broken-servers/site.js'

const NOW = Date.now()
const hasJwt = ({ headers }: Received): boolean =>
  /^Bearer [\w-]+\.[\w-]+\./.test(headers.authorization ?? '')

async function startWith(replacement: Replacement, claims: JsonObject, header?: JsonObject) {
  const site = await startSite(replacement)
  onTestFinished(() => site.close())
  const { urls, fetch, key } = site
  const grant = { clientId: 'client', scopes: ['notes.read'], resource: urls.resource }
  const own = healthy.claims(urls, grant, Math.floor(NOW / 1000))
  const token = key.mint({ ...own, ...claims }, header)
  return (now: number) => runDoctor({ url: urls.resource, fetch, token, now: () => now })
}

const dr25 = ({ checks }: DoctorReport) => checks.find(({ id }) => id === 'DR-25')

describe('DR-25 at an endpoint that takes every JWT', () => {
  const seconds = Math.floor(NOW / 1000)

  it.each<[string, JsonObject, JsonObject | undefined, string]>([
    ['a good one', {}, undefined, 'passed'],
    ['one that ended', { exp: seconds - 60 }, undefined, 'failed'],
    ['one that ended within the tolerance', { exp: seconds - 5 }, undefined, 'passed'],
    ['one without an end', { exp: undefined }, undefined, 'failed'],
    ['one that begins later', { nbf: seconds + 600 }, undefined, 'failed'],
    ['one of another issuer', { iss: 'https://accounts.example.net' }, undefined, 'failed'],
    ['one without a signature', {}, { alg: 'none' }, 'failed'],
    ['one of a shared secret', {}, { alg: 'HS256' }, 'failed'],
    ['one of an unknown key', {}, { kid: 'key-0' }, 'warning'],
    ['one for another audience', { aud: 'https://other.example.com' }, undefined, 'warning'],
    ['one without scopes', { scope: '' }, undefined, 'passed'],
    ['one that lives long', { exp: seconds + 40 * 86_400 }, undefined, 'passed'],
  ])('says of %s: %4$s', async (_name, claims, header, status) => {
    const run = await startWith({ letsIn: hasJwt }, claims, header)
    expect(dr25(await run(NOW))?.status).toBe(status)
  })
})

describe('DR-25 at an endpoint that answers neither yes nor no', () => {
  it.each([302, 400, 404, 405, 406, 500])('is skipped for %i', async (status) => {
    const run = await startWith(
      { proxy: (answer, request) => (hasJwt(request) ? empty(status) : answer) },
      {},
    )
    const check = dr25(await run(NOW))
    expect([check?.status, check?.reason]).toEqual([
      'skipped',
      expect.stringContaining(`${status}`),
    ])
  })

  it('passes for 204', async () => {
    const run = await startWith(
      { proxy: (answer, request) => (hasJwt(request) ? empty(204) : answer) },
      {},
    )
    expect(dr25(await run(NOW))?.status).toBe('passed')
  })
})

describe('formatChanges() of a token that has expired', () => {
  it('has nothing to say a minute later', async () => {
    const run = await startWith({}, { exp: Math.floor(NOW / 1000) - 60 })
    const [before, after] = [await run(NOW), await run(NOW + 60_000)]
    expect(dr25(before)?.reason).toContain(
      new Date((Math.floor(NOW / 1000) - 60) * 1000).toISOString(),
    )
    expect(formatChanges(before, after, createColors(false))).toEqual([])
  })

  it('says so when it ends meanwhile', async () => {
    const run = await startWith({}, { exp: Math.floor(NOW / 1000) + 30 })
    const [before, after] = [await run(NOW), await run(NOW + 60_000)]
    expect(formatChanges(before, after, createColors(false)).join('\n')).toContain('DR-25')
  })
})
