import { denied, notFound } from './api-error.js'
import { type FakeRequest, flag, folderName, optionalText, requiredText } from './request.js'
import type { Project } from './secret-endpoints.js'

type Json = Record<string, unknown>

function requireEnvironment(project: Project, projectId: string, environment: string): void {
  if (projectId === project.projectId && environment === project.environment) return
  throw notFound(
    `Environment with slug '${environment}' in project with ID '${projectId}' not found`,
  )
}

export function createFolder(project: Project, { body }: FakeRequest): Json {
  const projectId = requiredText(body, 'workspaceId')
  const environment = requiredText(body, 'environment')
  const name = folderName(requiredText(body, 'name'))
  const parent = optionalText(body, 'path') ?? '/'
  const description = optionalText(body, 'description') ?? null
  requireEnvironment(project, projectId, environment)
  if (!project.faults.allows('create-folder')) {
    throw denied('You are not allowed to create on secret-folders')
  }
  const { vault } = project
  const folder = vault.createFolder(parent, name)
  return {
    folder: {
      id: folder.id,
      name: folder.name,
      version: 1,
      createdAt: folder.createdAt,
      updatedAt: folder.createdAt,
      envId: vault.environmentId,
      parentId: folder.parentId,
      isReserved: false,
      description,
      lastSecretModified: null,
      path: folder.path,
    },
  }
}

export function listFolders(project: Project, { query }: FakeRequest): Json {
  const projectId = requiredText(query, 'workspaceId')
  const environment = requiredText(query, 'environment')
  const recursive = flag(query, 'recursive', false)
  requireEnvironment(project, projectId, environment)
  if (!project.faults.allows('list-folders')) {
    throw denied('You are not allowed to read on secret-folders')
  }
  const { vault } = project
  const path = vault.normalise(query.path)
  const below = path === '/' ? '/' : `${path}/`
  const folders = [...vault.folders.values()]
    .map((folder) => ({ ...folder, relative: folder.path.slice(below.length - 1) }))
    .filter(
      (folder) =>
        folder.path.startsWith(below) && (recursive || !folder.relative.slice(1).includes('/')),
    )
    .map(({ id, name, relative }) => ({
      id,
      name,
      envId: vault.environmentId,
      relativePath: relative,
    }))
  return { folders }
}
