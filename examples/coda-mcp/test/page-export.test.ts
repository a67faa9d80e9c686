import { afterEach, describe, expect, it } from 'vitest'
import { createCodaClient } from '../src/coda/coda-client.js'
import { exportPage, finishExport } from '../src/tools/page-export.js'
import { createFakeClock } from './support/fake-clock.js'
import { codaToken } from './support/mcp.js'
import { apiDescriptionMissing, startStandIn } from './support/stand-in.js'
import { openToolClient, type ToolClient } from './support/tool-client.js'

const docId = 'SampleDoc1'
const plan = { docId, pageIdOrName: 'canvas-plan', outputFormat: 'markdown' } as const
const planText = '# Plan\nEverything that has to be ready before May.\n- Venue\n- Agenda'

if (apiDescriptionMissing) {
  console.warn('page-export.test.ts: the API description is absent, so requests are not held to it')
}

const open: { close(): Promise<void> }[] = []

async function start(options: Parameters<typeof openToolClient>[0] = {}): Promise<ToolClient> {
  const tools = await openToolClient(options)
  open.push(tools)
  return tools
}

afterEach(async () => {
  for (const closable of open.splice(0)) await closable.close()
})

/** A stand-in with a client of the Coda API, without MCP between. */
async function startDirect(options: Parameters<typeof startStandIn>[0] = {}) {
  const clock = createFakeClock()
  const standIn = await startStandIn({ now: clock.now, ...options })
  open.push(standIn)
  const coda = createCodaClient({ baseUrl: standIn.baseUrl, clock })
  const shutdown = new AbortController()
  const messages: string[] = []
  const context = {
    coda,
    call: { token: codaToken },
    shuttingDown: shutdown.signal,
    reportProgress: async (message: string) => void messages.push(message),
  }
  return { clock, standIn, context, shutdown, messages }
}

describe('coda_get_page_content', () => {
  it.each([
    ['markdown', planText],
    [
      'html',
      '<h1>Plan</h1>\n<p>Everything that has to be ready before May.</p>\n<ul><li>Venue</li></ul>\n<ul><li>Agenda</li></ul>',
    ],
  ])('exports a page as %s', async (outputFormat, expected) => {
    const tools = await start()
    const { structured, text } = await tools.ok('coda_get_page_content', { ...plan, outputFormat })
    expect(structured).toEqual({ outputFormat, status: 'complete', content: expected })
    expect(text).toBe(expected)
  })

  it('finds a page by name and its doc by address', async () => {
    const tools = await start()
    const page = { docId: `https://coda.io/d/T_d${docId}`, pageIdOrName: 'Notes' }
    const { text } = await tools.ok('coda_get_page_content', { ...page, outputFormat: 'markdown' })
    expect(text).toBe('Ask about the projector.')
  })

  it('downloads from another path, without the token of the caller', async () => {
    const tools = await start()
    await tools.ok('coda_get_page_content', plan)
    const downloads = tools.standIn.received.filter(({ url }) => url.startsWith('/blobs/'))
    expect(downloads).toHaveLength(1)
    const others = tools.standIn.received.filter(({ method }) => method !== 'GET')
    expect(others.map(({ url }) => url)).toEqual([expect.stringMatching(/\/export$/)])
    expect(downloads[0]?.headers.authorization).toBeUndefined()
    expect(JSON.stringify(downloads)).not.toContain(codaToken)
  })

  it('reads text without an export, and says which lines there are', async () => {
    const tools = await start()
    const requests = await tools.requestsOf(async () => {
      const { structured } = await tools.ok('coda_get_page_content', {
        ...{ docId, pageIdOrName: 'Plan', limit: 1 },
      })
      expect(structured).toMatchObject({
        ...{ outputFormat: 'text', status: 'complete', items: [{ id: 'cl-canvas-plan-0' }] },
        nextPageToken: expect.any(String),
      })
    })
    expect(requests.join()).not.toMatch(/export|POST/)
  })

  it('waits while Coda does not know the new export yet', async () => {
    const tools = await start({ unknownMs: 10_000 })
    expect((await tools.ok('coda_get_page_content', plan)).text).toBe(planText)
  })

  it('gives up when Coda does not know it after fifteen seconds', async () => {
    const tools = await start({ unknownMs: 20_000 })
    const failed = await tools.fails('coda_get_page_content', plan)
    expect(failed.meta.code).toBe('coda_not_found')
    expect(failed.text).toMatch(/does not know this export/)
  })

  it('waits on while Coda is overloaded', async () => {
    const tools = await start({
      onRequest: ({ url, method }) => {
        const isFirst =
          tools.standIn.received.filter((one) => /\/export\//.test(one.url)).length < 3
        if (method === 'GET' && /\/export\//.test(url) && isFirst) {
          tools.standIn.faults.next({ kind: 'status', status: 429 })
        }
      },
    })
    expect((await tools.ok('coda_get_page_content', plan)).text).toBe(planText)
  })

  it('asks for a fresh link when the old one has run out', async () => {
    let late = 0
    const tools = await start({
      now: () => tools.clock.now() + late,
      onRequest: ({ url }) => {
        if (url.startsWith('/blobs/') && late === 0) late = 301_000
      },
    })
    expect((await tools.ok('coda_get_page_content', plan)).text).toBe(planText)
    const urls = tools.standIn.received.map(({ url }) => url)
    expect(urls.filter((url) => url.startsWith('/blobs/'))).toHaveLength(2)
  })

  it('gives up when no link works', async () => {
    const tools = await start({
      onRequest: ({ url }) => {
        if (url.startsWith('/blobs/')) tools.standIn.faults.next({ kind: 'status', status: 403 })
      },
    })
    const failed = await tools.fails('coda_get_page_content', plan)
    expect(failed.meta.code).toBe('coda_unexpected_answer')
    expect(failed.text).toMatch(/links that do not work/)
  })

  it('reports why Coda could not export', async () => {
    const body = {
      id: 'x',
      status: 'failed',
      href: 'https://coda.io/x',
      error: `Too\nlarge ${codaToken}`,
    }
    const tools = await start({
      onRequest: ({ url }) => {
        if (/\/export\//.test(url)) tools.standIn.faults.next({ kind: 'shape', body })
      },
    })
    const failed = await tools.fails('coda_get_page_content', plan)
    expect(failed.meta).toMatchObject({ code: 'coda_unavailable', retryable: true })
    expect(failed.text).toMatch(/could not export the page.*"Too\\nlarge \[redacted\]"/)
  })

  it('exports one page at a time, so that exports do not spoil each other', async () => {
    const tools = await start()
    const texts = await Promise.all(
      ['markdown', 'markdown', 'markdown'].map(
        async (outputFormat) =>
          (await tools.ok('coda_get_page_content', { ...plan, outputFormat })).text,
      ),
    )
    expect(texts).toEqual([planText, planText, planText])
  })

  it('cuts a long page at lines and goes on in the same export', async () => {
    const tools = await start()
    const rows = Array.from({ length: 3_000 }, (_, index) => `Row ${index} ${'x'.repeat(50)}`)
    await tools.ok('coda_replace_page_content', {
      ...{ docId, pageIdOrName: 'canvas-plan', content: rows.join('\n'), wait: true },
    })
    const parts: string[] = []
    let nextPageToken: unknown
    const requests = await tools.requestsOf(async () => {
      do {
        const { structured } = await tools.ok('coda_get_page_content', {
          ...plan,
          ...(nextPageToken === undefined ? {} : { nextPageToken }),
        })
        const content = String(structured?.content)
        expect(content.length).toBeLessThanOrEqual(60_000)
        parts.push(content)
        nextPageToken = structured?.nextPageToken
        expect(content.endsWith('\n')).toBe(nextPageToken !== undefined)
      } while (nextPageToken !== undefined)
    })
    expect(parts.length).toBeGreaterThan(2)
    expect(parts.join('')).toBe(rows.join('\n'))
    expect(requests.filter((request) => request.startsWith('POST'))).toHaveLength(1)
  })

  it('says that Coda is still exporting, and goes on with that export', async () => {
    const tools = await start({ settleMs: 60_000 })
    const first = await tools.ok('coda_get_page_content', plan)
    expect(first.structured).toMatchObject({ status: 'exporting', outputFormat: 'markdown' })
    expect(first.text).toMatch(/still exporting.*nextPageToken "markdown-0\./)
    const { nextPageToken } = first.structured ?? {}
    const requests = await tools.requestsOf(async () => {
      const second = await tools.ok('coda_get_page_content', { ...plan, nextPageToken })
      expect(second.structured).toMatchObject({ status: 'complete', content: planText })
    })
    expect(requests.join()).not.toContain('POST')
  })

  it.each([
    ['one of text', 'skip-1.', /not one of outputFormat "markdown"/],
    ['one of html', 'html-0.abc', /not one of outputFormat "markdown"/],
    ['one of nothing', 'markdown-0.', /not one of outputFormat "markdown"/],
    ['an export that does not exist', 'markdown-0.abc', /does not know this export/],
  ])('refuses a nextPageToken that is %s', async (_what, nextPageToken, message) => {
    const tools = await start()
    const failed = await tools.fails('coda_get_page_content', { ...plan, nextPageToken })
    expect(failed.text).toMatch(message)
  })

  it('refuses a nextPageToken behind the end of the page', async () => {
    const tools = await start({ settleMs: 60_000 })
    const { structured } = await tools.ok('coda_get_page_content', plan)
    const behind = String(structured?.nextPageToken).replace('-0.', `-${planText.length}.`)
    const failed = await tools.fails('coda_get_page_content', { ...plan, nextPageToken: behind })
    expect(failed.text).toMatch(/does not fit/)
    const last = behind.replace(`-${planText.length}.`, `-${planText.length - 1}.`)
    expect((await tools.ok('coda_get_page_content', { ...plan, nextPageToken: last })).text).toBe(
      'a',
    )
  })
})

describe('exportPage()', () => {
  it('ends when the server shuts down, with the export to go on with', async () => {
    const { clock, context, shutdown, standIn } = await startDirect()
    clock.onSleep = () => shutdown.abort()
    const stopped = await exportPage(context, plan)
    expect(stopped).toEqual({ exportId: expect.any(String), content: undefined })
    expect(standIn.received).toHaveLength(2)

    clock.onSleep = () => {}
    const live = { ...context, shuttingDown: new AbortController().signal }
    const finished = await finishExport(live, { ...plan, exportId: stopped.exportId })
    expect(finished.content).toBe(planText)
  })

  it('does not begin while the server is shutting down', async () => {
    const { context, shutdown, standIn } = await startDirect()
    shutdown.abort()
    await expect(exportPage(context, plan)).rejects.toMatchObject({
      ...{ code: 'coda_unavailable', retryable: true },
    })
    expect(standIn.received).toEqual([])
  })

  it('ends with the reason of a caller that goes away', async () => {
    const { clock, context } = await startDirect()
    const controller = new AbortController()
    clock.onSleep = () => controller.abort(new Error('gone'))
    const call = { token: codaToken, signal: controller.signal }
    await expect(exportPage({ ...context, call }, plan)).rejects.toThrow('gone')
  })

  it('begins again when it is not known whether Coda has begun', async () => {
    const { context, standIn } = await startDirect()
    standIn.faults.next({ kind: 'status', status: 500 })
    standIn.faults.next({ kind: 'reset' })
    expect((await exportPage(context, plan)).content).toBe(planText)
  })

  it('lets the next one begin after a failure', async () => {
    const { context, standIn } = await startDirect()
    standIn.faults.next({ kind: 'status', status: 403 })
    await expect(exportPage(context, plan)).rejects.toMatchObject({ status: 403 })
    expect((await exportPage(context, plan)).content).toBe(planText)
  })

  it('reports progress for every look at the status', async () => {
    const { context, messages } = await startDirect({ settleMs: 5_000 })
    await exportPage(context, plan)
    expect(messages.length).toBeGreaterThan(1)
  })
})
