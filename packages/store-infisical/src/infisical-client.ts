import { isAuthError, StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { CallLimits, InfisicalApi } from './infisical-api.js'
import type { ParsedOptions } from './options.js'
import {
  parseRemovedSecret,
  parseSecret,
  parseSecretList,
  parseWrittenSecret,
} from './responses.js'
import { isTokenRefusal, missingPermission, parseSdkError, type SdkFailure } from './sdk-error.js'
import type { Sdk } from './sdk-loader.js'
import { folderOf } from './secret-names.js'
import type { SdkSession } from './session.js'

/** Says what a failure means in words of our own: the text of the SDK holds names and ids. */
function describe(failure: SdkFailure, permission: string): string {
  if (failure.kind === 'unreachable') return 'Infisical could not be reached'
  if (failure.kind === 'unknown') return 'the answer of Infisical could not be understood'
  const { status, text } = failure
  if (isTokenRefusal(failure)) return 'Infisical refused the access token'
  if (status === 403) {
    return `Infisical refused (403): the identity lacks the permission: ${missingPermission(text, permission)}; or a policy forbids it`
  }
  if (status === 404) return 'Infisical found no such project or environment (404)'
  if (status === 429) return 'Infisical limits the rate of requests (429)'
  if (status >= 500) return `Infisical failed (status ${status})`
  return `Infisical refused the request (status ${status}); check projectId, environment and path`
}

function isMissing(failure: SdkFailure, what: 'secret' | 'folder'): boolean {
  if (failure.kind !== 'answered' || failure.status !== 404) return false
  // By the whole beginning: other things are missing too, and that would not be absence.
  return failure.text.startsWith(what === 'secret' ? 'Secret with name ' : 'Folder with path ')
}

function missing(failure: SdkFailure): 'no-secret' | 'no-folder' | undefined {
  if (isMissing(failure, 'secret')) return 'no-secret'
  return isMissing(failure, 'folder') ? 'no-folder' : undefined
}

/** Creates the wire calls over the SDK. */
export function createInfisicalApi(
  session: SdkSession,
  { projectId, environment, path, namespace }: ParsedOptions,
): InfisicalApi {
  const secretPath = folderOf(path, namespace)
  const place = { projectId, environment, secretPath }
  // A missing environment is reported as a missing folder, and both must not look like absence.
  let environmentSeen = false

  async function call<Value, Answer = never>(
    limits: CallLimits,
    permission: string,
    run: (sdk: Sdk) => Promise<Value>,
    recognise: (failure: SdkFailure) => Answer | undefined = () => undefined,
  ): Promise<Value | Answer> {
    try {
      const value = await session.use(limits, run)
      environmentSeen = true
      return value
    } catch (error) {
      if (isAuthError(error) || (limits.signal?.aborted && error === limits.signal.reason)) {
        throw error
      }
      const failure = parseSdkError(error)
      const answer = recognise(failure)
      if (answer !== undefined) return answer
      throw new StoreUnavailableError(describe(failure, permission))
    }
  }

  async function requireEnvironment(limits: CallLimits): Promise<void> {
    if (environmentSeen) return
    const answer = await call(
      limits,
      'read on secret-folders',
      async (sdk) => {
        const folders: unknown = await sdk.folders().listFolders({
          projectId,
          environment,
          path: '/',
        })
        if (Array.isArray(folders)) return 'seen' as const
        throw new StoreUnavailableError('the answer is not one of the Infisical API')
      },
      (failure) => {
        if (failure.kind !== 'answered') return undefined
        if (failure.status === 404) return 'no-environment' as const
        // Whoever may not list folders can still use one that exists.
        return failure.status === 403 && !isTokenRefusal(failure)
          ? ('not-allowed' as const)
          : undefined
      },
    )
    if (answer === 'seen') return
    throw new StoreUnavailableError(
      answer === 'no-environment'
        ? 'Infisical found no such project or environment; check projectId and the environment slug'
        : 'the folder does not exist, or the environment slug is wrong; create the folder',
    )
  }

  async function getSecret(name: string, limits: CallLimits) {
    const answer = await call(
      limits,
      'describe and read the value of secrets',
      async (sdk) =>
        parseSecret(
          await sdk.secrets().getSecret({
            ...place,
            secretName: name,
            expandSecretReferences: false,
            viewSecretValue: true,
          }),
        ),
      missing,
    )
    if (answer === 'no-folder') await requireEnvironment(limits)
    return answer
  }

  return {
    requireEnvironment,
    getSecret,

    async listSecrets(limits) {
      const answer = await call(
        limits,
        'describe and read the value of secrets',
        async (sdk) =>
          parseSecretList(
            await sdk.secrets().listSecrets({
              ...place,
              expandSecretReferences: false,
              includeImports: false,
              recursive: false,
              viewSecretValue: true,
            }),
          ),
        (failure) => (isMissing(failure, 'folder') ? ('no-folder' as const) : undefined),
      )
      if (answer === 'no-folder') await requireEnvironment(limits)
      return answer
    },

    createSecret: (name, { value, comment }, limits) =>
      call(
        limits,
        'create secrets',
        async (sdk) => {
          const options = {
            ...place,
            secretValue: value,
            ...(comment !== undefined && { secretComment: comment }),
          }
          return parseWrittenSecret(await sdk.secrets().createSecret(name, options), value)
        },
        (failure) => {
          if (isMissing(failure, 'folder')) return 'no-folder' as const
          // Both "Secret already exist" and "… exists", depending on the version of the server.
          return failure.kind === 'answered' &&
            failure.status === 400 &&
            /already exist/i.test(failure.text)
            ? ('exists' as const)
            : undefined
        },
      ),

    updateSecret: (name, { value, comment }, limits) =>
      call(
        limits,
        'edit secrets',
        async (sdk) => {
          const options = {
            ...place,
            secretValue: value,
            ...(comment !== undefined && { secretComment: comment }),
          }
          return parseWrittenSecret(await sdk.secrets().updateSecret(name, options), value)
        },
        missing,
      ),

    async deleteSecret(name, limits) {
      const answer = await call(
        limits,
        'delete secrets',
        async (sdk) => parseRemovedSecret(await sdk.secrets().deleteSecret(name, place)),
        (failure) => {
          const isUnclear = failure.kind === 'answered' && failure.status === 404
          return missing(failure) ?? (isUnclear ? ('unclear' as const) : undefined)
        },
      )
      if (answer !== 'unclear') return answer
      // The text for a secret that is missing is not documented here; that for reading it is.
      const found = await getSecret(name, limits)
      if (typeof found === 'string') return found
      throw new StoreUnavailableError('Infisical did not delete a secret that it has (404)')
    },

    async createFolder(limits) {
      await call(limits, 'create secret-folders', async (sdk) => {
        const folder: unknown = await sdk
          .folders()
          .create({ projectId, environment, path, name: namespace })
        if (typeof folder === 'object' && folder !== null) return
        throw new StoreUnavailableError('the answer is not one of the Infisical API')
      })
    },
  }
}
