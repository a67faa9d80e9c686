import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { apiDescriptionMissing } from './support/stand-in.js'
import { openToolClient, type ToolClient } from './support/tool-client.js'

const docId = 'SampleDoc1'
const plan = { docId, pageIdOrName: 'canvas-plan' }
const notes = { docId, pageIdOrName: 'canvas-notes' }

if (apiDescriptionMissing) {
  console.warn('page-tools.test.ts: the API description is absent, so requests are not held to it')
}

let tools: ToolClient

beforeAll(async () => {
  tools = await openToolClient()
})
beforeEach(() => {
  tools.standIn.reset()
})
afterAll(async () => {
  await tools.close()
})

async function textOf(page: Record<string, unknown>): Promise<string> {
  return (await tools.ok('coda_get_page_content', page)).text
}

describe('coda_create_page', () => {
  it('creates an empty page below another one, with its settings', async () => {
    const { structured } = await tools.ok('coda_create_page', {
      ...{ docId, name: 'Ideas', parentPageId: 'canvas-plan', subtitle: 'Loose', wait: true },
      ...{ iconName: 'rocket', imageUrl: 'https://example.com/cover.png' },
    })
    expect(structured).toMatchObject({ status: 'completed', pageId: expect.any(String) })
    const page = await tools.ok('coda_get_page', { docId, pageIdOrName: structured?.pageId })
    expect(page.structured).toMatchObject({
      ...{ name: 'Ideas', parentId: 'canvas-plan', subtitle: 'Loose', contentType: 'canvas' },
    })
    expect(await textOf({ docId, pageIdOrName: structured?.pageId })).toBe('No lines.')
  })

  it.each([
    ['markdown', '# Boats\n- Sail', undefined],
    ['html', '<h1>Boats</h1><ul><li>Sail</li></ul>', 'html'],
  ])('creates a page with text in %s', async (_what, content, contentFormat) => {
    const { structured } = await tools.ok('coda_create_page', {
      ...{ docId, name: 'Ideas', content, wait: true },
      ...(contentFormat === undefined ? {} : { contentFormat }),
    })
    expect(await textOf({ docId, pageIdOrName: structured?.pageId })).toBe('# Boats\n- Sail')
  })

  it.each([
    ['another site', { embed: { url: 'https://example.com/' } }, 'embed'],
    [
      'another site in the old way',
      { embed: { url: 'https://example.com/', renderMethod: 'compatibility' } },
      'embed',
    ],
    ['a whole doc', { syncPage: { sourceDocId: 'https://coda.io/d/T_dSampleDoc2' } }, 'syncPage'],
    [
      'a page of a doc',
      { syncPage: { sourceDocId: 'SampleDoc2', sourcePageId: 'canvas-people' } },
      'syncPage',
    ],
  ])('creates a page that shows %s, which has no content of its own', async (_what, body, type) => {
    const { structured } = await tools.ok('coda_create_page', {
      ...{ docId, name: 'Elsewhere', wait: true },
      ...body,
    })
    const page = { docId, pageIdOrName: structured?.pageId }
    expect((await tools.ok('coda_get_page', page)).structured?.contentType).toBe(type)
    const refused = await tools.fails('coda_get_page_content', { ...page, outputFormat: 'html' })
    expect(refused.meta.code).toBe('coda_invalid_input')
    expect(refused.text).toMatch(/only pages of type "canvas"/)
  })

  it('tells that the page is queued, since it is not there yet', async () => {
    const { structured, text } = await tools.ok('coda_create_page', { docId, name: 'Ideas' })
    expect(structured?.status).toBe('queued')
    expect(text).toMatch(/queued, not confirmed.*coda_wait_for_mutation/)
    const absent = await tools.fails('coda_get_page', { docId, pageIdOrName: structured?.pageId })
    expect(absent.text).toMatch(/may not be visible yet/)
  })

  it.each([
    ['text and a site', { content: 'a', embed: { url: 'https://example.com/' } }],
    [
      'a site and a doc',
      { embed: { url: 'https://example.com/' }, syncPage: { sourceDocId: 'a' } },
    ],
    ['a site that is no address', { embed: { url: 'example' } }],
    ['another way to show a site', { embed: { url: 'https://example.com/', renderMethod: 'x' } }],
    ['a doc that is none', { syncPage: { sourceDocId: 'a b' } }],
    ['another format', { content: 'a', contentFormat: 'text' }],
    ['a cover that is no address', { imageUrl: 'cover.png' }],
    ['no name', { name: '' }],
  ])('sends nothing for %s', async (_what, body) => {
    const requests = await tools.requestsOf(
      async () => await tools.fails('coda_create_page', { docId, name: 'Ideas', ...body }),
    )
    expect(requests).toEqual([])
  })

  it('passes on what Coda refuses', async () => {
    const refused = await tools.fails('coda_create_page', {
      ...{ docId, name: 'Ideas', parentPageId: 'canvas-none' },
    })
    expect(refused.meta).toMatchObject({ code: 'coda_request_refused', retryable: false })
    expect(refused.text).toContain('canvas-none')
  })
})

describe('coda_update_page', () => {
  it('changes settings and leaves the content alone', async () => {
    await tools.ok('coda_update_page', {
      ...{ ...plan, name: 'The plan', subtitle: 'Short', isHidden: true, wait: true },
      ...{ iconName: 'rocket', imageUrl: 'https://example.com/cover.png' },
    })
    expect((await tools.ok('coda_get_page', plan)).structured).toMatchObject({
      ...{ name: 'The plan', subtitle: 'Short', isHidden: true },
    })
    expect(await textOf(plan)).toContain('Everything that has to be ready')
  })

  it.each([
    ['append', '- Venue\n- Boats\n- Agenda'],
    ['prepend', '- Boats\n- Venue\n- Agenda'],
    ['replace', 'May.\n- Boats\n- Agenda'],
  ])('can %s relative to one line', async (insertionMode, expected) => {
    const contentUpdate = { insertionMode, content: '- Boats', elementId: 'cl-canvas-plan-2' }
    await tools.ok('coda_update_page', { ...plan, contentUpdate, wait: true })
    expect(await textOf(plan)).toContain(expected)
  })

  it.each([
    ['nothing to change', {}],
    ['no content', { contentUpdate: { insertionMode: 'append', content: '' } }],
    ['another mode', { contentUpdate: { insertionMode: 'insert', content: 'a' } }],
    ['no mode', { contentUpdate: { content: 'a' } }],
    ['an unknown member', { contentUpdate: { insertionMode: 'append', content: 'a', text: 'b' } }],
  ])('sends nothing for %s', async (_what, changes) => {
    const requests = await tools.requestsOf(
      async () => await tools.fails('coda_update_page', { ...plan, ...changes }),
    )
    expect(requests).toEqual([])
  })

  it('passes on that a line does not exist', async () => {
    const contentUpdate = { insertionMode: 'append', content: 'a', elementId: 'cl-none' }
    const refused = await tools.fails('coda_update_page', { ...plan, contentUpdate })
    expect(refused.text).toContain('cl-none')
  })
})

describe('tools that write the content of a page', () => {
  it.each([
    ['coda_append_page_content', 'Ask about the projector.\n> Done'],
    ['coda_prepend_page_content', '> Done\nAsk about the projector.'],
    ['coda_replace_page_content', '> Done'],
  ])('%s works on the whole page', async (name, expected) => {
    const { structured } = await tools.ok(name, { ...notes, content: '> Done', wait: true })
    expect(structured).toMatchObject({ status: 'completed', pageId: 'canvas-notes' })
    expect(await textOf(notes)).toBe(expected)
  })

  it.each([
    ['coda_append_page_content', '- Venue\nBoats & <bikes>\n- Agenda'],
    ['coda_prepend_page_content', 'May.\nBoats & <bikes>\n- Venue'],
    ['coda_replace_page_content', 'May.\nBoats & <bikes>\n- Agenda'],
  ])('%s works on one line, in HTML', async (name, expected) => {
    const content = '<p>Boats &amp; &lt;bikes&gt;</p>'
    const place = { contentFormat: 'html', elementId: 'cl-canvas-plan-2' }
    await tools.ok(name, { ...plan, content, ...place, wait: true })
    expect(await textOf(plan)).toContain(expected)
  })

  it('refuses empty content, which would say nothing or delete everything', async () => {
    const requests = await tools.requestsOf(async () => {
      await tools.fails('coda_append_page_content', { ...plan, content: '' })
      await tools.fails('coda_replace_page_content', { ...plan, content: '' })
    })
    expect(requests).toEqual([])
  })
})

describe('coda_rename_page', () => {
  it('changes the name, and the subtitle when one is given', async () => {
    await tools.ok('coda_rename_page', { ...plan, newName: 'A', wait: true })
    const renamed = (await tools.ok('coda_get_page', plan)).structured
    expect(renamed).toMatchObject({ name: 'A', subtitle: 'What has to happen' })
    await tools.ok('coda_rename_page', { ...plan, newName: 'B', subtitle: 'C', wait: true })
    const again = (await tools.ok('coda_get_page', plan)).structured
    expect(again).toMatchObject({ name: 'B', subtitle: 'C' })
  })

  it('refuses an empty name', async () => {
    await tools.fails('coda_rename_page', { ...plan, newName: '' })
  })
})

describe('coda_delete_page_content', () => {
  it('deletes lines by their ids', async () => {
    const elementIds = ['cl-canvas-plan-0', 'cl-canvas-plan-3']
    await tools.ok('coda_delete_page_content', { ...plan, elementIds, wait: true })
    expect(await textOf(plan)).toBe('Everything that has to be ready before May.\n- Venue')
  })

  it('deletes everything when told so', async () => {
    await tools.ok('coda_delete_page_content', { ...plan, all: true, wait: true })
    expect(await textOf(plan)).toBe('No lines.')
  })

  it.each([
    ['neither ids nor all', {}],
    ['no ids', { elementIds: [] }],
    ['both', { elementIds: ['cl-canvas-plan-0'], all: true }],
    ['all: false', { all: false }],
  ])('sends nothing for %s, since Coda would empty the page', async (_what, input) => {
    const requests = await tools.requestsOf(
      async () => await tools.fails('coda_delete_page_content', { ...plan, ...input }),
    )
    expect(requests).toEqual([])
  })
})

describe('coda_delete_page', () => {
  it('deletes the page; reading it then says that it is gone', async () => {
    const { text } = await tools.ok('coda_delete_page', { ...notes, wait: true })
    expect(text).toBe('Deletion of page canvas-notes: applied.')
    for (const [name, input] of [
      ['coda_get_page', notes],
      ['coda_get_page_content', notes],
      ['coda_get_page_content', { ...notes, outputFormat: 'markdown' }],
      ['coda_peek_page', { ...notes, numLines: 1 }],
    ] as const) {
      const gone = await tools.fails(name, input)
      expect(gone.meta).toMatchObject({ code: 'coda_gone', retryable: false })
      expect(gone.text).toMatch(/410.*It was deleted/)
    }
    expect((await tools.ok('coda_list_pages', { docId })).structured?.items).toHaveLength(1)
  })
})

describe('coda_duplicate_page', () => {
  it('creates a page with the same text at the same place', async () => {
    const { structured } = await tools.ok('coda_duplicate_page', {
      ...{ ...notes, newName: 'Copy of notes', wait: true },
    })
    const copy = { docId, pageIdOrName: structured?.pageId }
    expect((await tools.ok('coda_get_page', copy)).structured).toMatchObject({
      ...{ name: 'Copy of notes', parentId: 'canvas-plan' },
    })
    expect(await textOf(copy)).toBe('Ask about the projector.')
  })

  it('creates an empty page for an empty one', async () => {
    await tools.ok('coda_delete_page_content', { ...notes, all: true, wait: true })
    const { structured } = await tools.ok('coda_duplicate_page', {
      ...{ ...notes, newName: 'Copy', wait: true },
    })
    expect(await textOf({ docId, pageIdOrName: structured?.pageId })).toBe('No lines.')
  })

  it('refuses a page without content of its own', async () => {
    const { structured } = await tools.ok('coda_create_page', {
      ...{ docId, name: 'Site', embed: { url: 'https://example.com/' }, wait: true },
    })
    const page = { docId, pageIdOrName: structured?.pageId, newName: 'Copy' }
    const refused = await tools.fails('coda_duplicate_page', page)
    expect(refused.text).toMatch(/of type "embed"/)
  })
})

describe('coda_peek_page', () => {
  it('reads the first lines and tells that there is more', async () => {
    const { structured, text } = await tools.ok('coda_peek_page', { ...plan, numLines: 2 })
    expect(structured).toMatchObject({ hasMore: true, items: [{ style: 'h1' }, {}] })
    expect(text).toMatch(/^# Plan\nEverything .*\nThe page goes on: /)
  })

  it('reads a short page to its end', async () => {
    const { structured, text } = await tools.ok('coda_peek_page', { ...notes, numLines: 500 })
    expect(structured?.hasMore).toBe(false)
    expect(text).toBe('Ask about the projector.')
  })

  it.each([0, 501, 1.5])('refuses %d lines', async (numLines) => {
    await tools.fails('coda_peek_page', { ...plan, numLines })
  })
})

describe('coda_search_pages', () => {
  it('finds pages by name and subtitle, in any case', async () => {
    const byName = await tools.ok('coda_search_pages', { docId, query: 'NOTE' })
    expect(byName.structured).toMatchObject({
      ...{ searched: 2, items: [{ id: 'canvas-notes', matches: ['name'] }] },
    })
    const bySubtitle = await tools.ok('coda_search_pages', { docId, query: 'has to happen' })
    expect(bySubtitle.structured?.items).toMatchObject([{ matches: ['subtitle'] }])
  })

  it('reads contents only when told so', async () => {
    const query = 'projector'
    expect((await tools.ok('coda_search_pages', { docId, query })).text).toBe(
      'No matches in 2 pages.',
    )
    const found = await tools.ok('coda_search_pages', { docId, query, includeContent: true })
    expect(found.structured?.items).toMatchObject([
      { id: 'canvas-notes', matches: ['content'], excerpt: 'Ask about the projector.' },
    ])
  })

  it('says where to go on when time runs out, and goes on there', async () => {
    const search = { docId, query: 'a', includeContent: true }
    let isSlow = true
    const slow = await openToolClient({
      onRequest: ({ url }) => {
        if (isSlow && url.includes('/content')) slow.clock.advance(30_000)
      },
    })
    const first = await slow.ok('coda_search_pages', search)
    isSlow = false
    const { nextPageToken } = first.structured ?? {}
    expect(first.structured).toMatchObject({ searched: 1, nextPageToken: expect.any(String) })
    expect(first.text).toMatch(/not all: repeat the call with nextPageToken/)
    const second = await slow.ok('coda_search_pages', { ...search, nextPageToken })
    await slow.close()
    expect(second.structured).toMatchObject({ searched: 1, items: [{ id: 'canvas-notes' }] })
    expect(second.structured?.nextPageToken).toBeUndefined()
  })

  it('keeps what it has found when Coda is overloaded', async () => {
    const busy = await openToolClient({
      onRequest: ({ url }) => {
        if (url.includes('canvas-notes')) busy.standIn.faults.next({ kind: 'status', status: 429 })
      },
    })
    const search = { docId, query: 'a', includeContent: true }
    const { structured } = await busy.ok('coda_search_pages', search)
    expect(structured).toMatchObject({
      ...{ searched: 1, items: [{ id: 'canvas-plan' }], nextPageToken: expect.any(String) },
    })
    const { nextPageToken } = structured ?? {}
    const failed = await busy.fails('coda_search_pages', { ...search, nextPageToken })
    expect(failed.meta).toMatchObject({ code: 'coda_rate_limited', retryable: true })
    await busy.close()
  })

  it('refuses an empty query', async () => {
    await tools.fails('coda_search_pages', { docId, query: '' })
  })
})
