import {
  type Credential,
  type CredentialInput,
  type CredentialKey,
  credentialKeyId,
  isAuthError,
  type TokenStore,
} from '@bestviable/mcp-auth-middleware'

/** Coda has refused the stored token of a caller, and nobody has replaced it since. */
export class CodaTokenRefusedError extends Error {
  readonly code = 'ERR_CREDENTIAL_REFUSED'
  /** Where the caller replaces it. */
  readonly connectUrl: string | undefined

  constructor(connectUrl: string | undefined) {
    super('Coda has refused the stored token')
    this.name = 'CodaTokenRefusedError'
    this.connectUrl = connectUrl
  }
}

/** Stored tokens that Coda no longer takes. */
export interface RefusedTokens {
  /**
   * Marks the stored token as refused and tells whether it was still this one. A token that was
   * replaced while the call was under way is left alone.
   */
  mark(key: CredentialKey, token: string): Promise<boolean>
  /** Whether a credential is marked, and so recently that Coda need not be asked again. */
  isMarked(key: CredentialKey, credential: Credential): boolean
}

/** Options for {@link createRefusedTokens}. */
export interface RefusedTokensOptions {
  readonly store: TokenStore
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined
}

const member = 'refused-at'
/** After that Coda is asked once more, so that a mistake of Coda's costs minutes and no token. */
export const refusedSeconds = 300

/** What {@link TokenStore.set} takes, with the mark in it. */
function withMark(credential: Credential, at: number): CredentialInput {
  // The secrets are not enumerable, so that spreading the credential would lose them.
  const { kind, secret, refreshToken, expiresAt, scopes, metadata } = credential
  return {
    kind,
    secret,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(scopes === undefined ? {} : { scopes }),
    metadata: { ...metadata, [member]: String(at) },
  }
}

/**
 * Remembers which stored tokens Coda has refused: with the credential, where all replicas see it and a
 * new token replaces it, or in this process for stores that cannot be written conditionally.
 */
export function createRefusedTokens({
  store,
  now = Date.now,
}: RefusedTokensOptions): RefusedTokens {
  /** When each was refused, in epoch seconds, by key and version. */
  const here = new Map<string, number>()
  const nameOf = (key: CredentialKey, version: string) => `${credentialKeyId(key)} ${version}`
  const seconds = () => Math.floor(now() / 1_000)

  function markHere(key: CredentialKey, version: string): void {
    const at = seconds()
    for (const [name, then] of here) if (at - then >= refusedSeconds) here.delete(name)
    here.set(nameOf(key, version), at)
  }

  return {
    async mark(key, token) {
      const stored = await store.get(key, { maxAgeSeconds: 0 })
      if (stored?.secret !== token) return false
      const { write, compareAndSet } = store.capabilities
      if (!write || !compareAndSet) {
        markHere(key, stored.version)
        return true
      }
      try {
        await store.set(key, withMark(stored, seconds()), { ifVersion: stored.version })
        return true
      } catch (error) {
        // Somebody has just replaced it.
        if (isAuthError(error) && error.code === 'ERR_STORE_CONFLICT') return false
        markHere(key, stored.version)
        return true
      }
    },
    isMarked(key, { version, metadata }) {
      const at = here.get(nameOf(key, version)) ?? Number(metadata?.[member])
      return seconds() - at < refusedSeconds
    },
  }
}
