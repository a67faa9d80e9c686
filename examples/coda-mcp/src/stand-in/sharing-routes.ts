import { Router } from 'express'
import * as z from 'zod'
import { AddedPrincipal } from '../coda/sharing-schemas.js'
import { notFound } from './coda-reply.js'
import { parameter, queryOf, type RouteContext } from './route-context.js'
import { parseBody } from './row-edits.js'
import type { SampleDoc } from './sample-data.js'

const Added = z.strictObject({
  access: z.enum(['readonly', 'write', 'comment']),
  principal: AddedPrincipal,
  suppressEmail: z.boolean().optional(),
})
const Settings = z.strictObject({
  allowEditorsToChangePermissions: z.boolean().optional(),
  allowCopying: z.boolean().optional(),
  allowViewersToRequestEditing: z.boolean().optional(),
})
const Publication = z.strictObject({
  slug: z.string().optional(),
  discoverable: z.boolean().optional(),
  categoryNames: z.array(z.string()).optional(),
  mode: z.enum(['view', 'play', 'edit']).optional(),
})

interface Sharing {
  readonly permissions: Map<string, { readonly access: string; readonly principal: object }>
  settings: Record<string, boolean | undefined>
}

const people = [
  { type: 'user', name: 'Ada', loginId: 'ada@example.com' },
  { type: 'user', name: 'Grace', loginId: 'grace@example.com' },
]
const groups = [{ type: 'group', groupId: 'gr-ada', groupName: 'Friends of Ada' }]

function createSharing(): Sharing {
  const principal = { type: 'email', email: 'sample@example.com' }
  return {
    permissions: new Map([['perm-owner', { access: 'write', principal }]]),
    settings: {
      allowEditorsToChangePermissions: true,
      allowCopying: false,
      allowViewersToRequestEditing: true,
    },
  }
}

/** A principal as it is listed: groups with their name. */
function named(principal: z.infer<typeof AddedPrincipal>): object {
  if (principal.type !== 'group') return principal
  const groupName = groups.find(({ groupId }) => groupId === principal.groupId)?.groupName
  if (groupName === undefined) throw notFound('this group')
  return { ...principal, groupName }
}

/** Routes of sharing and publishing. */
export function createSharingRoutes(context: RouteContext): Router {
  const { docOf, sendList, accept } = context
  const sharings = new WeakMap<SampleDoc, Sharing>()
  let added = 0
  const router = Router()

  function sharingOf(doc: SampleDoc): Sharing {
    const sharing = sharings.get(doc) ?? createSharing()
    sharings.set(doc, sharing)
    return sharing
  }

  router.get('/docs/:docId/acl/metadata', (request, response) => {
    docOf(request)
    response.json({
      canShare: true,
      canShareWithWorkspace: true,
      canShareWithOrg: false,
      canCopy: true,
    })
  })

  router.get('/docs/:docId/acl/permissions', (request, response) => {
    const { permissions } = sharingOf(docOf(request))
    sendList(request, response, () => [...permissions].map(([id, entry]) => ({ id, ...entry })))
  })
  router.post('/docs/:docId/acl/permissions', (request, response) => {
    const { permissions } = sharingOf(docOf(request))
    const { access, principal } = parseBody(Added, request.body)
    const known = [...permissions].find(
      ([, entry]) => JSON.stringify(entry.principal) === JSON.stringify(named(principal)),
    )
    if (known === undefined) added += 1
    permissions.set(known?.[0] ?? `perm-${added}`, { access, principal: named(principal) })
    response.json({})
  })
  router.delete('/docs/:docId/acl/permissions/:permission', (request, response) => {
    const { permissions } = sharingOf(docOf(request))
    if (!permissions.delete(parameter(request, 'permission'))) throw notFound('this permission')
    response.json({})
  })

  router.get('/docs/:docId/acl/principals/search', (request, response) => {
    docOf(request)
    const query = (queryOf(request).query ?? '').toLowerCase()
    const matches = (text: string): boolean => query !== '' && text.toLowerCase().includes(query)
    response.json({
      users: people.filter(({ name, loginId }) => matches(name) || matches(loginId)),
      groups: groups.filter(({ groupName }) => matches(groupName)),
    })
  })

  router.get('/docs/:docId/acl/settings', (request, response) => {
    response.json(sharingOf(docOf(request)).settings)
  })
  router.patch('/docs/:docId/acl/settings', (request, response) => {
    const sharing = sharingOf(docOf(request))
    sharing.settings = { ...sharing.settings, ...parseBody(Settings, request.body) }
    response.json(sharing.settings)
  })

  router.put('/docs/:docId/publish', (request, response) => {
    const doc = docOf(request)
    const {
      slug = doc.id,
      discoverable,
      categoryNames,
      mode,
    } = parseBody(Publication, request.body)
    const apply = (): void => {
      doc.published = {
        browserLink: `https://coda.io/@sample/${slug}`,
        discoverable: discoverable ?? doc.published?.discoverable ?? false,
        earnCredit: false,
        mode: mode ?? doc.published?.mode ?? 'view',
        categories: categoryNames?.map((name) => ({ name })) ?? doc.published?.categories ?? [],
      }
    }
    accept(response, { apply, answer: {} })
  })
  router.delete('/docs/:docId/publish', (request, response) => {
    docOf(request).published = undefined
    response.json({})
  })
  return router
}
