import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { apiDescriptionMissing } from './support/stand-in.js'
import { openToolClient, type ToolClient } from './support/tool-client.js'

const docId = 'SampleDoc1'
const address = `https://coda.io/d/Team%20offsite_d${docId}`

if (apiDescriptionMissing) {
  console.warn('doc-tools.test.ts: the API description is absent, so requests are not held to it')
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

async function sendsNothing(name: string, input: Record<string, unknown>): Promise<void> {
  expect(await tools.requestsOf(async () => await tools.fails(name, input))).toEqual([])
}

describe('coda_list_documents', () => {
  it.each([
    ['title', { query: 'OFFSITE' }, ['SampleDoc1']],
    ['owner', { isOwner: true }, ['SampleDoc1', 'SampleDoc2']],
    ['somebody else as owner', { isOwner: false }, []],
    ['publication', { isPublished: true }, []],
    ['star', { isStarred: false }, ['SampleDoc1', 'SampleDoc2']],
    ['gallery', { inGallery: true }, []],
    ['workspace', { workspaceId: 'ws-other' }, []],
    ['folder', { folderId: 'fl-sample' }, ['SampleDoc1', 'SampleDoc2']],
    ['source, by id', { sourceDoc: 'SampleDoc2' }, []],
    ['source, by address', { sourceDoc: 'https://coda.io/d/C_dSampleDoc2' }, []],
  ])('finds docs by %s', async (_what, filter, ids) => {
    const { structured } = await tools.ok('coda_list_documents', filter)
    expect(structured?.items).toMatchObject(ids.map((id) => ({ id })))
  })

  it.each([
    ['a source that is no doc', { sourceDoc: 'My Doc' }],
    ['an empty query', { query: '' }],
    ['no items', { limit: 0 }],
  ])('refuses %s', async (_what, filter) => {
    await sendsNothing('coda_list_documents', filter)
  })
})

describe('coda_create_document', () => {
  it('creates a doc with a first page in a folder', async () => {
    const folder = await tools.ok('coda_create_folder', { name: 'A', workspaceId: 'ws-sample' })
    const { structured, text } = await tools.ok('coda_create_document', {
      ...{ title: 'Fresh', folderId: folder.structured?.id, timezone: 'Europe/Berlin', wait: true },
      initialPage: { name: 'Start', content: '# Hello', subtitle: 'First' },
    })
    expect(structured).toMatchObject({
      ...{ name: 'Fresh', status: 'completed', folderId: folder.structured?.id },
    })
    expect(text).toMatch(/Its content: applied\./)
    const page = { docId: structured?.id, pageIdOrName: 'Start' }
    expect((await tools.ok('coda_get_page_content', page)).text).toBe('# Hello')
  })

  it.each([docId, address])('creates a copy of %s', async (sourceDoc) => {
    const { structured } = await tools.ok('coda_create_document', {
      ...{ title: 'Copy', sourceDoc, wait: true },
    })
    const pages = await tools.ok('coda_list_pages', { docId: structured?.id })
    expect(pages.structured?.items).toMatchObject([{ name: 'Plan' }, { name: 'Notes' }])
    const copies = await tools.ok('coda_list_documents', { sourceDoc })
    expect(copies.structured?.items).toMatchObject([{ id: structured?.id }])
  })

  it('creates an empty doc without any input, and says that it is queued', async () => {
    const { structured, text } = await tools.ok('coda_create_document')
    expect(structured).toMatchObject({ name: 'Untitled', status: 'queued' })
    expect(text).toMatch(/Its content: queued, not confirmed/)
    const absent = await tools.fails('coda_get_document', { docId: structured?.id })
    expect(absent.text).toMatch(/may not be visible yet/)
  })

  it.each([
    ['a source that is no doc', { sourceDoc: 'My Doc' }],
    ['an empty title', { title: '' }],
    [
      'a first page of two kinds',
      { initialPage: { content: 'a', embed: { url: 'https://a.io' } } },
    ],
    ['a first page below another one', { initialPage: { name: 'a', parentPageId: 'b' } }],
  ])('sends nothing for %s', async (_what, input) => {
    await sendsNothing('coda_create_document', input)
  })

  it('passes on what Coda refuses', async () => {
    const refused = await tools.fails('coda_create_document', { folderId: 'fl-none' })
    expect(refused.text).toContain('fl-none')
  })
})

describe('coda_update_document', () => {
  it('changes title and icon', async () => {
    const changes = { docId: address, title: 'Offsite', iconName: 'rocket' }
    expect((await tools.ok('coda_update_document', changes)).structured).toEqual({
      ...{ id: docId, title: 'Offsite', iconName: 'rocket' },
    })
    const doc = await tools.ok('coda_get_document', { docId })
    expect(doc.structured).toMatchObject({ name: 'Offsite' })
  })

  it.each([
    ['nothing to change', { docId }],
    ['an empty title', { docId, title: '' }],
    ['an address without a doc', { docId: 'https://coda.io/docs', title: 'a' }],
  ])('sends nothing for %s', async (_what, input) => {
    await sendsNothing('coda_update_document', input)
  })
})

describe('coda_delete_document', () => {
  it('queues the deletion of a doc', async () => {
    const { structured, text } = await tools.ok('coda_delete_document', { docId: address })
    expect(structured).toEqual({ id: docId, status: 'queued' })
    expect(text).toMatch(/queued, not confirmed/)
    tools.clock.advance(2_000)
    const gone = await tools.fails('coda_get_document', { docId })
    expect(gone.meta.code).toBe('coda_not_found')
  })

  it('refuses a title, which is no id', async () => {
    await sendsNothing('coda_delete_document', { docId: 'Team offsite' })
  })
})

describe('folder tools', () => {
  it('create, list, read, change and delete a folder', async () => {
    const created = await tools.ok('coda_create_folder', {
      ...{ name: 'Plans', workspaceId: 'ws-sample', description: 'For May' },
    })
    const folderId = created.structured?.id
    expect(created.structured).toMatchObject({ name: 'Plans', workspaceId: 'ws-sample' })
    const listed = await tools.ok('coda_list_folders', { workspaceId: 'ws-sample', limit: 1 })
    expect(listed.structured?.items).toMatchObject([{ id: 'fl-sample', canEdit: false }])
    const { nextPageToken } = listed.structured ?? {}
    const rest = await tools.ok('coda_list_folders', { nextPageToken })
    expect(rest.structured?.items).toMatchObject([{ id: folderId }])
    await tools.ok('coda_update_folder', { folderId, name: 'Old plans' })
    await tools.ok('coda_update_folder', { folderId, description: '' })
    expect((await tools.ok('coda_get_folder', { folderId })).structured).toMatchObject({
      ...{ name: 'Old plans', description: '' },
    })
    await tools.ok('coda_delete_folder', { folderId })
    expect((await tools.fails('coda_get_folder', { folderId })).meta.code).toBe('coda_not_found')
  })

  it('find no folders of other workspaces, and no starred ones', async () => {
    expect((await tools.ok('coda_list_folders', { workspaceId: 'ws-other' })).text).toBe(
      'No folders.',
    )
    expect((await tools.ok('coda_list_folders', { isStarred: true })).text).toBe('No folders.')
  })

  it('pass on that a folder cannot be changed', async () => {
    const refused = await tools.fails('coda_delete_folder', { folderId: 'fl-sample' })
    expect(refused.meta).toMatchObject({ code: 'coda_forbidden', retryable: false })
  })

  it.each([
    ['coda_create_folder', { name: 'Plans' }],
    ['coda_create_folder', { name: '', workspaceId: 'ws-sample' }],
    ['coda_update_folder', { folderId: 'fl-sample' }],
    ['coda_update_folder', { folderId: 'fl-sample', name: '' }],
    ['coda_get_folder', { folderId: '' }],
    ['coda_get_folder', { folderId: '..' }],
    ['coda_delete_folder', {}],
  ])('%s sends nothing for %j', async (name, input) => {
    await sendsNothing(name, input)
  })
})

describe('coda_resolve_link', () => {
  it.each([
    ['a doc', address, { type: 'doc', id: docId, docId, name: 'Team offsite' }],
    ['a page', `${address}/_scanvas-plan`, { type: 'page', id: 'canvas-plan', docId }],
    ['a table', `${address}#grid-tasks`, { type: 'table', id: 'grid-tasks', docId }],
    [
      'a row',
      `${address}#grid-tasks/_ri-book`,
      { type: 'row', id: 'i-book', docId, tableId: 'grid-tasks' },
    ],
  ])('finds %s', async (_what, url, found) => {
    const { structured } = await tools.ok('coda_resolve_link', { url })
    expect(structured).toMatchObject(found)
  })

  it('finds the doc of a page that is gone, when told to degrade gracefully', async () => {
    const url = `${address}/_scanvas-gone`
    expect((await tools.fails('coda_resolve_link', { url })).meta.code).toBe('coda_not_found')
    const found = await tools.ok('coda_resolve_link', { url, degradeGracefully: true })
    expect(found.structured).toMatchObject({ type: 'doc', id: docId })
    expect(found.text).toBe(`doc ${docId}, "Team offsite"`)
  })

  it.each(['', 'Team offsite', 'coda.io/d/x', 'javascript:alert(1)', 'file:///etc/passwd'])(
    'sends nothing for %j, which is no address of a browser',
    async (url) => {
      await sendsNothing('coda_resolve_link', { url })
    },
  )
})

describe('coda_list_categories', () => {
  it('names the categories', async () => {
    const { structured, text } = await tools.ok('coda_list_categories')
    expect(structured?.items).toContainEqual({ name: 'Meetings' })
    expect(text).toContain('Meetings')
  })
})
