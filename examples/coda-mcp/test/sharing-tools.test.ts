import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openToolClient, type ToolClient } from './support/tool-client.js'

const docId = 'SampleDoc1'

let tools: ToolClient

beforeEach(async () => {
  tools = await openToolClient()
})
afterEach(async () => {
  await tools.close()
})

async function permissions(): Promise<{ id: string; access: string; principal: object }[]> {
  const { structured } = await tools.ok('coda_list_permissions', { docId })
  return Object(structured).items
}

describe('permissions', () => {
  it.each([
    ['a person', { type: 'email', email: 'ada@example.com' }, 'email "ada@example.com"'],
    ['a group', { type: 'group', groupId: 'gr-ada' }, 'group "gr-ada"'],
    ['a domain', { type: 'domain', domain: 'example.com' }, 'domain "example.com"'],
    ['a workspace', { type: 'workspace', workspaceId: 'ws-sample' }, 'workspace "ws-sample"'],
    ['everybody', { type: 'anyone' }, 'anyone'],
  ])('are given to %s, listed and taken away', async (_what, principal, words) => {
    const input = { docId, access: 'comment', principal, suppressEmail: true }
    const added = await tools.ok('coda_add_permission', input)
    expect(added.structured).toEqual({ status: 'completed' })
    expect(added.text).toBe(`Shared with ${words}: comment.`)
    const [owner, permission] = await permissions()
    expect(owner).toMatchObject({ access: 'write', principal: { type: 'email' } })
    expect(permission).toMatchObject({ access: 'comment', principal })

    const { id: permissionId } = permission ?? {}
    await tools.ok('coda_delete_permission', { docId, permissionId })
    expect(await permissions()).toHaveLength(1)
    const again = await tools.fails('coda_delete_permission', { docId, permissionId })
    expect(again.meta.code).toBe('coda_not_found')
  })

  it.each([
    ['a person without an address', { type: 'email' }],
    ['a person with something else for one', { type: 'email', email: 'ada' }],
    ['a group by its name', { type: 'group', groupName: 'Friends of Ada' }],
    ['a domain in the member of another type', { type: 'domain', email: 'ada@example.com' }],
    ['two at once', { type: 'email', email: 'ada@example.com', domain: 'example.com' }],
    ['a type that is not known', { type: 'internalAccess', internalAccessType: 'support' }],
    ['a text', 'ada@example.com'],
  ])('are not given to %s, and Coda is not asked', async (_what, principal) => {
    const input = { docId, access: 'readonly', principal }
    expect((await tools.fails('coda_add_permission', input)).requests).toBe(0)
  })

  it.each(['', '.', '..'])(
    'are not taken away by the id %j, which is another path',
    async (permissionId) => {
      const refused = await tools.fails('coda_delete_permission', { docId, permissionId })
      expect(refused.requests).toBe(0)
    },
  )

  it.each(['none', 'owner', ''])('cannot be %j', async (access) => {
    const input = { docId, access, principal: { type: 'anyone' } }
    expect((await tools.fails('coda_add_permission', input)).requests).toBe(0)
  })

  it('are not given twice when an answer is lost: the person decides', async () => {
    tools.standIn.faults.next({ kind: 'reset' })
    const refused = await tools.fails('coda_add_permission', {
      ...{ docId, access: 'readonly', principal: { type: 'anyone' } },
    })
    expect(refused.requests).toBe(1)
    expect(refused.text).toMatch(/not known whether/)
  })
})

describe('coda_search_principals', () => {
  it('finds people by name or address, and groups', async () => {
    const { structured, text } = await tools.ok('coda_search_principals', { docId, query: 'ADA' })
    expect(structured).toEqual({
      users: [{ name: 'Ada', email: 'ada@example.com' }],
      groups: [{ groupId: 'gr-ada', groupName: 'Friends of Ada' }],
    })
    expect(text).toContain('email ada@example.com')
    const none = await tools.ok('coda_search_principals', { docId, query: 'nobody' })
    expect(none.text).toBe('No people or groups.')
    expect((await tools.fails('coda_search_principals', { docId, query: '' })).requests).toBe(0)
  })
})

describe('sharing settings', () => {
  it('are read, and changed one by one', async () => {
    const before = await tools.ok('coda_get_acl_settings', { docId })
    expect(before.structured).toMatchObject({ allowCopying: false })
    const changed = await tools.ok('coda_update_acl_settings', { docId, allowCopying: true })
    expect(changed.structured).toEqual({ ...before.structured, allowCopying: true })
    expect((await tools.ok('coda_get_acl_settings', { docId })).structured).toEqual(
      changed.structured,
    )
  })

  it.each([
    ['nothing', {}],
    ['a setting that is no truth value', { allowCopying: 'yes' }],
  ])('are not changed by %s, and Coda is not asked', async (_what, input) => {
    expect((await tools.fails('coda_update_acl_settings', { docId, ...input })).requests).toBe(0)
  })

  it('say what may be shared at all', async () => {
    const { structured, text } = await tools.ok('coda_get_sharing_metadata', { docId })
    expect(structured).toMatchObject({ canShare: true, canShareWithOrg: false })
    expect(text).toContain('may not share it with the organisation')
    const refused = await tools.fails('coda_get_sharing_metadata', { docId: 'NoSuchDoc1' })
    expect(refused.meta.code).toBe('coda_not_found')
  })
})

describe('publishing', () => {
  const published = () => tools.standIn.docs.find(({ id }) => id === docId)?.published

  it('puts a doc on the web, changes how, and takes it off', async () => {
    const first = { docId, slug: 'offsite', categoryNames: ['Planning'], mode: 'view', wait: true }
    const { structured, text } = await tools.ok('coda_publish_document', first)
    expect(structured).toMatchObject({ status: 'completed' })
    expect(text).toBe('Publication of the doc: applied.')
    expect(published()).toMatchObject({ mode: 'view', categories: [{ name: 'Planning' }] })

    const categoryNames = '["Planning","Events"]'
    await tools.ok('coda_publish_document', { docId, mode: 'play', categoryNames, wait: true })
    expect(published()).toMatchObject({
      mode: 'play',
      categories: [{ name: 'Planning' }, { name: 'Events' }],
    })
    await tools.ok('coda_unpublish_document', { docId })
    expect(published()).toBeUndefined()
  })

  it('is reported as queued when Coda has not finished', async () => {
    const { structured, text } = await tools.ok('coda_publish_document', { docId })
    expect(structured).toMatchObject({ status: 'queued', requestId: expect.any(String) })
    expect(text).toContain('queued, not confirmed')
    expect(published()).toBeUndefined()
  })

  it.each([
    ['a mode that is not known', { mode: 'sell' }],
    ['an empty slug', { slug: '' }],
    ['categories that are no list', { categoryNames: 'Planning' }],
  ])('is refused with %s, and Coda is not asked', async (_what, input) => {
    expect((await tools.fails('coda_publish_document', { docId, ...input })).requests).toBe(0)
  })
})
