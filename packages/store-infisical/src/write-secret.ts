import { StoreConflictError, StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { CallLimits, InfisicalApi, SecretRecord, SecretWrite } from './infisical-api.js'
import { parseOwnerComment } from './owner-comment.js'

/** What is to be stored under a name. */
export interface SecretContent {
  readonly value: string
  /** Comment of a new secret. */
  readonly comment: string
  /** Whether an update writes the comment too. False leaves the remark of a person where it is. */
  readonly keepsOwner: boolean
}

/** Creates a secret, and the folder when it is missing. */
async function create(
  api: InfisicalApi,
  name: string,
  secret: SecretWrite,
  limits: CallLimits,
): Promise<SecretRecord | 'exists'> {
  const first = await api.createSecret(name, secret, limits)
  if (first !== 'no-folder') return first
  await api.createFolder(limits)
  const second = await api.createSecret(name, secret, limits)
  if (second !== 'no-folder') return second
  throw new StoreUnavailableError('the folder in Infisical was removed while it was being used')
}

/** Writes a secret, whether it exists or not. Infisical has no such request: the last writer wins. */
export async function putSecret(
  api: InfisicalApi,
  name: string,
  { value, comment, keepsOwner }: SecretContent,
  limits: CallLimits,
): Promise<SecretRecord> {
  const update = keepsOwner ? { value, comment } : { value }
  const updated = await api.updateSecret(name, update, limits)
  if (typeof updated !== 'string') return updated
  const created = await create(api, name, { value, comment }, limits)
  if (created !== 'exists') return created
  // Created meanwhile: by another process, or by the SDK, whose first request was answered by a reset
  // connection and repeated.
  const again = await api.updateSecret(name, update, limits)
  if (typeof again !== 'string') return again
  throw new StoreUnavailableError('the secret was removed and created again while it was written')
}

/**
 * Creates a secret that must not exist, which the server decides.
 *
 * @throws {@link StoreConflictError} when one exists. One that carries the id of this write is its own,
 *   made by a request whose answer was lost and which the SDK then repeated.
 */
export async function createSecretOnce(
  api: InfisicalApi,
  name: string,
  secret: Required<SecretWrite>,
  write: string,
  limits: CallLimits,
): Promise<SecretRecord> {
  const created = await create(api, name, secret, limits)
  if (created !== 'exists') return created
  const found = await api.getSecret(name, limits)
  const own = typeof found !== 'string' && parseOwnerComment(found.comment)?.write === write
  if (own) return found
  throw new StoreConflictError('a credential is stored')
}
