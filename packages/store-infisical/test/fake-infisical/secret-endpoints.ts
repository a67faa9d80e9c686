import { randomUUID } from 'node:crypto'
import { ApiError, badRequest, denied, notFound } from './api-error.js'
import type { FakeFaults } from './faults.js'
import {
  type FakeRequest,
  flag,
  newSecretName,
  optionalText,
  requiredText,
  requireShared,
} from './request.js'
import type { FakeSecret, Vault } from './vault.js'

const MASK = '<hidden-by-infisical>'

/** What the endpoints work on. */
export interface Project {
  readonly projectId: string
  readonly environment: string
  readonly tags: readonly string[]
  readonly vault: Vault
  readonly faults: FakeFaults
  /** Text of the secret detection policy that refuses creation, when one is set. */
  policyViolation: string | undefined
  /** Text for a deletion of what is missing, which is not known for certain. */
  deletionOfMissing?: string
}

type Json = Record<string, unknown>

function formatSecret(project: Project, secret: FakeSecret, value = secret.value): Json {
  return {
    id: secret.id,
    _id: secret.id,
    workspace: project.projectId,
    environment: project.environment,
    version: secret.version,
    type: 'shared',
    secretKey: secret.name,
    secretValue: value,
    secretComment: secret.comment,
    secretReminderNote: null,
    secretReminderRepeatDays: null,
    skipMultilineEncoding: false,
    createdAt: secret.createdAt,
    updatedAt: secret.updatedAt,
    isRotatedSecret: false,
    rotationId: null,
  }
}

function formatRead(project: Project, secret: FakeSecret, value: string, hidden: boolean): Json {
  return {
    ...formatSecret(project, secret, value),
    secretValueHidden: hidden,
    secretPath: secret.path,
    tags: [],
    secretMetadata: [],
  }
}

function requireProject(project: Project, projectId: string): void {
  if (projectId === project.projectId) return
  throw notFound(`Project with ID '${projectId}' not found`)
}

function requireFolder(project: Project, environment: string, path: string, error: string): void {
  if (environment === project.environment && project.vault.hasFolder(path)) return
  throw notFound(
    `Folder with path '${path}' in environment with slug '${environment}' not found`,
    error,
  )
}

function requirePermission(project: Project, action: 'create' | 'edit' | 'delete'): void {
  if (!project.faults.allows(action)) throw denied(`You are not allowed to ${action} on secrets`)
}

function requireDescribe(project: Project): void {
  if (project.faults.allows('describe')) return
  throw denied('You are not allowed to describeSecret on secrets')
}

/** Fields that create, update and delete share. */
function readPlace(project: Project, { body }: FakeRequest, error: string): string {
  const projectId = requiredText(body, 'workspaceId')
  const environment = requiredText(body, 'environment')
  const path = project.vault.normalise(optionalText(body, 'secretPath'))
  requireShared(body)
  requireProject(project, projectId)
  requireFolder(project, environment, path, error)
  return path
}

function requireTags(project: Project, { body }: FakeRequest): void {
  const tags = Array.isArray(body.tagIds) ? (body.tagIds as unknown[]) : []
  for (const tag of tags) {
    if (!project.tags.includes(String(tag))) throw notFound('Tag not found')
  }
}

const approval = (): Json => ({
  approval: { id: randomUUID(), slug: 'a-change-request', status: 'open' },
})

export function getSecret(project: Project, name: string, { query }: FakeRequest): Json {
  const { vault, faults } = project
  const view = flag(query, 'viewSecretValue', true)
  const expand = flag(query, 'expandSecretReferences', false)
  requireShared(query)
  if (query.environment === undefined) throw badRequest('Missing environment')
  if (query.workspaceId === undefined) throw badRequest('Missing project id or environment')
  requireProject(project, query.workspaceId)
  const path = vault.normalise(query.secretPath)
  requireFolder(project, query.environment, path, 'GetSecretByName')
  requireDescribe(project)
  const secret = vault.find(path, name)
  if (
    secret === undefined ||
    (query.version !== undefined && query.version !== `${secret.version}`)
  ) {
    throw notFound(`Secret with name '${name}' not found`)
  }
  if (view && !faults.allows('read-value')) {
    throw new ApiError(
      403,
      'ForbiddenReadSecretError',
      `You do not have permission to view secret value on secret with name '${name}'`,
    )
  }
  const value = expand ? vault.expand(secret) : secret.value
  return { secret: formatRead(project, secret, view ? value : MASK, !view) }
}

export function listSecrets(project: Project, { query }: FakeRequest): Json {
  const { vault, faults } = project
  const view = flag(query, 'viewSecretValue', true)
  const expand = flag(query, 'expandSecretReferences', false)
  const recursive = flag(query, 'recursive', false)
  flag(query, 'include_imports', false)
  const { workspaceId, environment } = query
  if (workspaceId === undefined || environment === undefined) {
    throw badRequest('Missing project id or environment')
  }
  requireProject(project, workspaceId)
  requireDescribe(project)
  const path = vault.normalise(query.secretPath)
  if (environment !== project.environment || !vault.hasFolder(path)) {
    throw notFound(
      `Folder with path '${path}' in environment '${environment}' was not found. Please ensure the environment slug and secret path is correct.`,
      'SecretPathNotFound',
    )
  }
  const hidden = !view || !faults.allows('read-value')
  // A filter by tags finds nothing here: no secret of the fake has one.
  const found = query.tagSlugs === undefined ? vault.list(path, recursive) : []
  const secrets = found.map((secret) => {
    const value = expand ? vault.expand(secret) : secret.value
    return formatRead(project, secret, hidden ? MASK : value, hidden)
  })
  return { secrets, imports: [] }
}

export function createSecret(
  project: Project,
  rawName: string,
  request: FakeRequest,
  pending: boolean,
): Json {
  const { body } = request
  const name = newSecretName(rawName.trim())
  const value = optionalText(body, 'secretValue') ?? ''
  const comment = optionalText(body, 'secretComment')
  const path = readPlace(project, request, 'CreateSecret')
  if (project.vault.find(path, name) !== undefined) throw badRequest('Secret already exists')
  requireTags(project, request)
  requirePermission(project, 'create')
  if (project.policyViolation !== undefined) {
    throw new ApiError(403, 'PolicyViolationError', project.policyViolation, {})
  }
  if (pending) return approval()
  return { secret: formatSecret(project, project.vault.write(path, name, { value, comment })) }
}

export function updateSecret(
  project: Project,
  name: string,
  request: FakeRequest,
  pending: boolean,
): Json {
  const { body } = request
  const value = optionalText(body, 'secretValue')
  const comment = optionalText(body, 'secretComment')
  const rename = optionalText(body, 'newSecretName')
  const path = readPlace(project, request, 'UpdateSecret')
  const known = project.vault.find(path, name)
  if (known === undefined) throw notFound(`Secret with name ${name} not found`)
  requireTags(project, request)
  requirePermission(project, 'edit')
  const newName = rename === undefined ? name : newSecretName(rename.trim())
  if (newName !== name && project.vault.find(path, newName) !== undefined) {
    throw badRequest('Secret with the new name already exists')
  }
  if (pending) return approval()
  const written = project.vault.write(path, name, { value, comment })
  if (newName !== name) {
    project.vault.remove(written)
    project.vault.secrets.set(`${path}:${newName}`, { ...written, name: newName })
  }
  const secret = { ...written, name: newName }
  return { secret: { ...formatSecret(project, secret), secretValueHidden: false } }
}

export function deleteSecret(
  project: Project,
  name: string,
  request: FakeRequest,
  pending: boolean,
): Json {
  const path = readPlace(project, request, 'DeleteSecret')
  const secret = project.vault.find(path, name)
  if (secret === undefined) {
    throw notFound(project.deletionOfMissing ?? `Secret with name '${name}' not found`)
  }
  requirePermission(project, 'delete')
  if (pending) return approval()
  project.vault.remove(secret)
  return { secret: { ...formatSecret(project, secret), secretValueHidden: false } }
}
