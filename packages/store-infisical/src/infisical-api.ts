/** A secret as Infisical returns it. */
export interface SecretRecord {
  readonly name: string
  readonly value: string
  readonly comment: string
  /** The identity may not see the value; `value` is a mask then. */
  readonly hidden: boolean
  /** Changes with every write: made of Infisical's id and version number. */
  readonly revision: string
  /** Epoch seconds; some answers leave it out. */
  readonly updatedAt: number | undefined
}

/** What is written: `comment` left out keeps the one that is there. */
export interface SecretWrite {
  readonly value: string
  readonly comment?: string | undefined
}

/** Limits of one operation of the store, shared by all its calls. */
export interface CallLimits {
  /** On the clock of `performance.now()`. */
  readonly deadline: number
  readonly signal?: AbortSignal | undefined
  /**
   * Told the end of every request that changes something, which may come long after the deadline: the
   * SDK goes on and repeats it, and nothing can stop it.
   */
  readonly hold?: ((settled: Promise<unknown>) => void) | undefined
}

/**
 * The wire calls that the store needs, in one folder. Everything that is not one of the answers below
 * rejects with `StoreUnavailableError`.
 */
export interface InfisicalApi {
  getSecret(name: string, limits: CallLimits): Promise<SecretRecord | 'no-secret' | 'no-folder'>
  listSecrets(limits: CallLimits): Promise<readonly SecretRecord[] | 'no-folder'>
  createSecret(
    name: string,
    secret: SecretWrite,
    limits: CallLimits,
  ): Promise<SecretRecord | 'exists' | 'no-folder'>
  updateSecret(
    name: string,
    secret: SecretWrite,
    limits: CallLimits,
  ): Promise<SecretRecord | 'no-secret' | 'no-folder'>
  /** Resolves with what was removed; `value` is absent when the identity may not see it. */
  deleteSecret(
    name: string,
    limits: CallLimits,
  ): Promise<{ readonly value: string | undefined } | 'no-secret' | 'no-folder'>
  /** Creates the folder and those above it. Nothing happens when it exists. */
  createFolder(limits: CallLimits): Promise<void>
  /** Rejects when the environment does not exist, for which Infisical says that the folder does not. */
  requireEnvironment(limits: CallLimits): Promise<void>
}
