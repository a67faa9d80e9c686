import { randomBytes } from 'node:crypto'
import { type Request, Router } from 'express'
import * as z from 'zod'
import { CodaReplyError, notFound } from './coda-reply.js'
import { parameter, type RouteContext } from './route-context.js'
import { parseBody } from './row-edits.js'
import type { SampleFolder } from './sample-data.js'

const sampleWorkspaceId = 'ws-sample'

const NewFolderBody = z.strictObject({
  name: z.string().min(1),
  workspaceId: z.string(),
  description: z.string().optional(),
})
const FolderUpdateBody = z.strictObject({
  name: z.string().min(1).optional(),
  description: z.string().optional(),
})

/** Routes of folders, whose changes are applied at once. `folders` is changed in place. */
export function createFolderRoutes(
  { resources, sendList }: Pick<RouteContext, 'resources' | 'sendList'>,
  folders: SampleFolder[],
): Router {
  function folderOf(request: Request): SampleFolder {
    const id = parameter(request, 'folderId')
    const folder = folders.find((candidate) => candidate.id === id)
    if (folder === undefined) throw notFound('this folder')
    return folder
  }
  function requireEditable(folder: SampleFolder): void {
    if (!folder.canEdit) throw new CodaReplyError(403, 'This folder cannot be changed.')
  }

  const router = Router()
  router.get('/folders', (request, response) => {
    sendList(request, response, ({ workspaceId = sampleWorkspaceId, isStarred = 'false' }) =>
      workspaceId === sampleWorkspaceId && isStarred === 'false'
        ? folders.map((folder) => resources.folder(folder))
        : [],
    )
  })
  router.post('/folders', (request, response) => {
    const { workspaceId, ...body } = parseBody(NewFolderBody, request.body)
    if (workspaceId !== sampleWorkspaceId) {
      throw new CodaReplyError(400, `Could not find workspace ${workspaceId}.`)
    }
    const folder = { id: `fl-${randomBytes(5).toString('hex')}`, canEdit: true, ...body }
    folders.push(folder)
    response.status(201).json(resources.folder(folder))
  })
  router.get('/folders/:folderId', (request, response) => {
    response.json(resources.folder(folderOf(request)))
  })
  router.patch('/folders/:folderId', (request, response) => {
    const folder = folderOf(request)
    requireEditable(folder)
    Object.assign(folder, parseBody(FolderUpdateBody, request.body))
    response.json(resources.folder(folder))
  })
  router.delete('/folders/:folderId', (request, response) => {
    const folder = folderOf(request)
    requireEditable(folder)
    folders.splice(folders.indexOf(folder), 1)
    response.json({})
  })
  return router
}
