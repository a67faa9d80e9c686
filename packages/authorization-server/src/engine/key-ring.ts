import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import type { SigningKey, Storage } from '../storage/storage.js'
import { rotateStoredKeys } from './rotate-signing-keys.js'
import {
  advanceSigningKeys,
  type KeyPolicy,
  publicJwk,
  rotateSigningKeys,
  signingKeyOf,
  signingKeyProblem,
} from './signing-keys.js'

/** The signing keys of this process, kept in step with the storage. */
export interface KeyRing {
  /** All published keys. */
  readonly keys: readonly SigningKey[]
  readonly signingKey: SigningKey
  /** Public parts of all of them. */
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** Reads the storage and applies what is due. Rejects when the storage cannot be used. */
  refresh(): Promise<void>
  /** Changes the keys of the storage, and of this process. */
  rotate(options: { readonly compromised: boolean }): Promise<void>
  /** Called after each change of the keys. */
  onChange(listener: () => void): void
}

function sameKeys(left: readonly SigningKey[], right: readonly SigningKey[]): boolean {
  const name = ({ kid, state }: SigningKey) => `${kid} ${state}`
  return (
    left.length === right.length && left.every((key, i) => right[i] && name(key) === name(right[i]))
  )
}

function check(keys: readonly SigningKey[]): SigningKey {
  const problems = keys.flatMap((key) => {
    const message = signingKeyProblem(key)
    return message === undefined
      ? []
      : [{ path: 'database', message: `signing key ${JSON.stringify(key.kid)} ${message}` }]
  })
  const signing = signingKeyOf(keys)
  if (signing === undefined) problems.push({ path: 'database', message: 'holds no signing key' })
  if (problems.length > 0 || signing === undefined) {
    throw new ConfigurationError('createAuthorizationServer', problems)
  }
  return signing
}

/** Loads the keys, making the first one under the lock that all replicas share. */
export async function loadKeyRing(options: {
  readonly storage: Storage
  readonly policy: KeyPolicy
  readonly now: () => number
}): Promise<KeyRing> {
  const { storage, policy } = options
  const seconds = (): number => Math.floor(options.now() / 1000)
  const listeners: (() => void)[] = []

  const readCurrent = async (): Promise<readonly SigningKey[]> => {
    const stored = await storage.signingKeys.list()
    const due = advanceSigningKeys(stored, seconds(), policy)
    if (signingKeyOf(due) !== undefined && sameKeys(stored, due)) return stored
    return storage.signingKeys.update(async (keys) => {
      const advanced = advanceSigningKeys(keys, seconds(), policy)
      return signingKeyOf(advanced) === undefined
        ? rotateSigningKeys(keys, seconds(), policy)
        : advanced
    })
  }

  let keys = await readCurrent()
  let signingKey = check(keys)
  const { algorithm } = signingKey
  // Tokens of both would be under way, and validators take those of one.
  if (algorithm !== policy.algorithm) {
    const message = `must be "${algorithm}", as the signing keys of the database are`
    throw new ConfigurationError('createAuthorizationServer', [
      { path: 'signingAlgorithm', message },
    ])
  }
  let jwks = { keys: keys.map(publicJwk) }
  const adopt = (changed: readonly SigningKey[]): void => {
    if (sameKeys(keys, changed)) return
    signingKey = check(changed)
    keys = changed
    jwks = { keys: keys.map(publicJwk) }
    for (const listener of listeners) listener()
  }

  return {
    get keys() {
      return keys
    },
    get signingKey() {
      return signingKey
    },
    get jwks() {
      return jwks
    },
    refresh: async () => adopt(await readCurrent()),
    rotate: async (rotation) => adopt(await rotateStoredKeys(options, rotation)),
    onChange: (listener) => {
      listeners.push(listener)
    },
  }
}
