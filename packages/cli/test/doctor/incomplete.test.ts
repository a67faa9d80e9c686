import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DoctorReport } from '../../src/doctor/report.js'
import { createRunClock } from '../../src/doctor/run-clock.js'
import { runDoctor } from '../../src/doctor/run-doctor.js'
import { commandLine } from '../support/command-line.js'
import { json } from './broken-servers/exchange.js'
import { healthy } from './broken-servers/healthy.js'
import type { Replacement } from './broken-servers/parts.js'
import { type Site, startSite } from './broken-servers/site.js'

async function start(replacement: Replacement = {}): Promise<Site> {
  const site = await startSite(replacement)
  onTestFinished(() => site.close())
  return site
}

/** Hangs for requests that are chosen, until they are given up. */
function hangingFetch(
  site: Site,
  hangs: (url: string, init: RequestInit) => boolean,
): typeof fetch {
  return (input, init = {}) => {
    if (!hangs(String(input), init)) return site.fetch(input, init)
    return new Promise((_resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(new Error('aborted')))
    })
  }
}

const hasToken = (_url: string, init: RequestInit): boolean =>
  new Headers(init.headers).has('authorization')

const statusOf = ({ checks }: DoctorReport, id: string) =>
  checks.find((each) => each.id === id)?.status

describe('a run that is over before everything was seen', () => {
  it('is incomplete, and no check passes by an answer that never came', async () => {
    const site = await start()
    let asked = 0
    const fetch = hangingFetch(site, () => asked++ > 0)
    const deadlines = { run: 300, request: 60_000 }
    const report = await runDoctor({ url: site.urls.resource, fetch, deadlines })
    expect([report.outcome, report.counts.failed]).toEqual(['incomplete', 0])
    const passed = ['DR-1', 'DR-3', 'DR-23', 'DR-26', 'DR-27'].filter(
      (id) => statusOf(report, id) === 'passed',
    )
    expect(passed).toEqual([])
    expect(report.remarks.join()).not.toContain('Server-side checks pass')
  })

  it('ends with 4, also where everything that was seen is fine', async () => {
    const site = await start()
    const fetch = hangingFetch(site, hasToken)
    const argv = ['doctor', site.urls.resource, '--timeout', '1']
    const { code, stdout, stderr } = await commandLine(argv, { fetch })
    expect(code).toBe(4)
    expect(stderr).toContain('--timeout')
    expect(stdout).not.toContain('Server-side checks pass')
  })

  it('fails even so where something failed', async () => {
    const site = await start({ refuse: () => json(401, { error: 'unauthorized' }) })
    const fetch = hangingFetch(site, hasToken)
    const deadlines = { run: 1000, request: 60_000 }
    const report = await runDoctor({ url: site.urls.resource, fetch, deadlines })
    // The finding that was made is kept, though another one of the same check was cut off.
    expect([report.outcome, statusOf(report, 'DR-1')]).toEqual(['failed', 'failed'])
    expect(report.checks[0]?.findings).toHaveLength(1)
  })

  it('takes a body that was cut off for no document that is broken', async () => {
    const site = await start()
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (!String(input).includes('/.well-known/')) return site.fetch(input, init)
      const body = new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode('{"resource"'))
          init?.signal?.addEventListener('abort', () => controller.error(new Error('aborted')))
        },
      })
      return new Response(body, { headers: { 'content-type': 'application/json' } })
    }
    const deadlines = { run: 500, request: 60_000 }
    const { checks, outcome } = await runDoctor({ url: site.urls.resource, fetch, deadlines })
    expect(checks.filter(({ findings }) => findings.length > 0)).toEqual([])
    expect(outcome).toBe('incomplete')
  })
})

describe('a server whose answers hold words of the doctor', () => {
  it.each(['RUN_OVER', 'DEADLINE'])('is judged as ever when it says %s', async (word) => {
    const site = await start({
      proxy: (answer, { method, path, headers }) =>
        method === 'POST' && path === '/mcp' && headers.authorization === undefined
          ? json(200, { note: word }, answer.headers)
          : answer,
    })
    const report = await runDoctor({ url: site.urls.resource, fetch: site.fetch })
    expect([report.outcome, statusOf(report, 'DR-1')]).toEqual(['failed', 'failed'])
  })

  it('cannot hide what else a check finds', async () => {
    const site = await start({
      resourceMetadata: (urls, path) => ({
        ...healthy.resourceMetadata(urls, path),
        ...(path.endsWith('/mcp') ? {} : { scopes_supported: ['RUN_OVER'] }),
      }),
    })
    const report = await runDoctor({ url: site.urls.resource, fetch: site.fetch })
    expect([report.outcome, statusOf(report, 'DR-5')]).toEqual(['failed', 'failed'])
  })
})

describe('createRunClock()', () => {
  it('does not run while a person is waited for, and runs on afterwards', async () => {
    const clock = createRunClock(300, undefined)
    await clock.pauseFor(() => wait(400))
    expect(clock.signal.aborted).toBe(false)
    await new Promise((resolve) => clock.signal.addEventListener('abort', resolve))
  })

  it('is over when the run is interrupted', () => {
    const interruption = new AbortController()
    const clock = createRunClock(60_000, interruption.signal)
    expect(clock.signal.aborted).toBe(false)
    interruption.abort()
    expect(clock.signal.aborted).toBe(true)
    clock.stop()
  })
})
