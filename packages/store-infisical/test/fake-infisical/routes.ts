import { ApiError, unauthorized } from './api-error.js'
import type { FakeEndpoint } from './faults.js'
import { createFolder, listFolders } from './folder-endpoints.js'
import type { Identities } from './identities.js'
import { type FakeRequest, requiredText } from './request.js'
import {
  createSecret,
  deleteSecret,
  getSecret,
  listSecrets,
  type Project,
  updateSecret,
} from './secret-endpoints.js'

const SECRET = /^\/api\/v3\/secrets\/raw\/([^/]+)$/
const PLAIN: Readonly<Record<string, FakeEndpoint>> = {
  'POST /api/v1/auth/universal-auth/login': 'login',
  'POST /api/v1/auth/aws-auth/login': 'awsLogin',
  'POST /api/v1/auth/token/renew': 'renew',
  'GET /api/v3/secrets/raw': 'listSecrets',
  'POST /api/v1/folders': 'createFolder',
  'GET /api/v1/folders': 'listFolders',
}
const BY_NAME: Readonly<Record<string, FakeEndpoint>> = {
  GET: 'getSecret',
  POST: 'createSecret',
  PATCH: 'updateSecret',
  DELETE: 'deleteSecret',
}

/** Which endpoint a request is for, and the name of the secret in its path. */
export interface Route {
  readonly endpoint: FakeEndpoint
  readonly name: string
}

export function findRoute(method: string, path: string): Route | undefined {
  const endpoint = PLAIN[`${method} ${path}`]
  if (endpoint !== undefined) return { endpoint, name: '' }
  const name = SECRET.exec(path)?.[1]
  const byName = BY_NAME[method]
  if (name === undefined || byName === undefined) return undefined
  return { endpoint: byName, name: decodeURIComponent(name) }
}

function logIn(identities: Identities, { body }: FakeRequest): object {
  return identities.login(requiredText(body, 'clientId'), requiredText(body, 'clientSecret'))
}

function logInWithAws(identities: Identities, { body }: FakeRequest): object {
  requiredText(body, 'iamHttpRequestMethod')
  requiredText(body, 'iamRequestBody')
  requiredText(body, 'iamRequestHeaders')
  return identities.loginWithAws(requiredText(body, 'identityId'))
}

/** Answers one request with the body of a 200, or throws an {@link ApiError}. */
export function answer(
  project: Project,
  identities: Identities,
  { endpoint, name }: Route,
  request: FakeRequest,
  pending: boolean,
): object {
  // Every bearer token is verified, also one that comes along with a login.
  if (request.bearer !== undefined) identities.verify(request.bearer)
  if (endpoint === 'login') return logIn(identities, request)
  if (endpoint === 'awsLogin') return logInWithAws(identities, request)
  if (endpoint === 'renew') return identities.renew(requiredText(request.body, 'accessToken'))
  if (request.bearer === undefined) throw unauthorized('Token missing')

  switch (endpoint) {
    case 'getSecret':
      return getSecret(project, name, request)
    case 'listSecrets':
      return listSecrets(project, request)
    case 'createSecret':
      return createSecret(project, name, request, pending)
    case 'updateSecret':
      return updateSecret(project, name, request, pending)
    case 'deleteSecret':
      return deleteSecret(project, name, request, pending)
    case 'createFolder':
      return createFolder(project, request)
    case 'listFolders':
      return listFolders(project, request)
    default:
      throw new ApiError(404, 'NotFound', 'no such route')
  }
}
