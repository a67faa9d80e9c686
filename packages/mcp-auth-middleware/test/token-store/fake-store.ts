import { memoryTokenStore } from '../../src/token-store/memory-token-store.js'
import type { Credential, CredentialKey, TokenStore } from '../../src/token-store/token-store.js'

export const serviceKey: CredentialKey = { provider: 'coda', owner: { kind: 'service' } }

export function userKey(subject: string, issuer = 'https://issuer.example'): CredentialKey {
  return { provider: 'coda', owner: { kind: 'user', issuer, subject } }
}

/** A promise that the test settles. */
export interface Gate<Value> {
  readonly promise: Promise<Value>
  resolve(value: Value): void
  reject(error: unknown): void
}

export function createGate<Value>(): Gate<Value> {
  let resolve: (value: Value) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<Value>((accept, refuse) => {
    resolve = accept
    reject = refuse
  })
  return { promise, resolve, reject }
}

/** A memory store that counts reads and lets a test replace methods. */
export interface FakeStore extends TokenStore {
  readonly memory: TokenStore
  reads: number
  signals: (AbortSignal | undefined)[]
  /** Stands in for the next reads until it is taken away. */
  onGet: ((key: CredentialKey) => Promise<Credential | undefined>) | undefined
  onSet: (() => Promise<void>) | undefined
}

export function createFakeStore(now?: () => number): FakeStore {
  const memory = memoryTokenStore({ now })
  const fake: FakeStore = {
    ...memory,
    memory,
    reads: 0,
    signals: [],
    onGet: undefined,
    onSet: undefined,
    get(key, options) {
      fake.reads++
      fake.signals.push(options?.signal)
      return fake.onGet?.(key) ?? memory.get(key, options)
    },
    async set(key, input, options) {
      await fake.onSet?.()
      return memory.set(key, input, options)
    },
  }
  return fake
}
