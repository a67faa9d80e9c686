import {
  type Credential,
  type CredentialInput,
  type CredentialKey,
  type CredentialSetOptions,
  isAuthError,
  isCredentialName,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'
import { CommandFailure } from '../../failure.js'

const PREVIOUS_SUFFIX = '-previous'

/**
 * The key under which `--keep-old` keeps the replaced credential: provider `coda-previous`, same owner.
 *
 * @throws {@link CommandFailure} when the name would be too long.
 */
export function previousKeyOf(key: CredentialKey): CredentialKey {
  const provider = `${key.provider}${PREVIOUS_SUFFIX}`
  if (isCredentialName(provider)) return { provider, owner: key.owner }
  throw new CommandFailure(
    'usage',
    `the name of the provider leaves no room for ${PREVIOUS_SUFFIX}`,
  )
}

/** Every member but the stamp, in a form that can be compared. */
function contentOf({ kind, secret, refreshToken, expiresAt, scopes, metadata }: CredentialInput) {
  const sorted = metadata && Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([kind, secret, refreshToken, expiresAt, scopes, sorted])
}

/** Tells whether two credentials are the same but for their version and time. */
export function isSameCredential(left: CredentialInput, right: CredentialInput): boolean {
  return contentOf(left) === contentOf(right)
}

/** A copy that can be written elsewhere: spreading a credential would lose its secret. */
export function toInput(credential: Credential): CredentialInput {
  const { kind, secret, refreshToken, expiresAt, scopes, metadata } = credential
  return { kind, secret, refreshToken, expiresAt, scopes, metadata }
}

async function conditionFor(
  store: TokenStore,
  key: CredentialKey,
  current: Credential | undefined,
): Promise<CredentialSetOptions> {
  const { compareAndSet, createOnly = compareAndSet } = store.capabilities
  if (current !== undefined) return compareAndSet ? { ifVersion: current.version } : {}
  if (!createOnly) return {}
  // A tombstone counts as stored; whoever sets a credential again means to replace it.
  const tombstone = store.capabilities.tombstone ? await store.tombstone?.(key) : undefined
  if (tombstone === undefined) return { ifAbsent: true }
  return compareAndSet ? { ifVersion: tombstone.version } : {}
}

/**
 * Writes over what was read, and over nothing else.
 *
 * @throws {@link CommandFailure} when somebody else wrote meanwhile; nothing was changed.
 */
export async function replaceCredential(
  store: TokenStore,
  key: CredentialKey,
  current: Credential | undefined,
  input: CredentialInput,
): Promise<Credential> {
  try {
    return await store.set(key, input, await conditionFor(store, key, current))
  } catch (error) {
    if (!isAuthError(error) || error.code !== 'ERR_STORE_CONFLICT') throw error
    throw new CommandFailure(
      'refused',
      'somebody else changed the credential meanwhile; nothing was replaced. Look at it with "tokens get" and decide again',
      { cause: error },
    )
  }
}
