import assert from 'node:assert/strict'
import { type AuthErrorCode, isAuthError } from '../../errors.js'
import type { CredentialInput, CredentialKey, TokenStore } from '../../token-store/token-store.js'

/** What a store holds when a case starts. */
export type TokenStoreSeed = readonly (readonly [key: CredentialKey, input: CredentialInput])[]

/** Members of a credential that not every read-only store can hold. */
export type OptionalCredentialMember = 'refreshToken' | 'expiresAt' | 'scopes' | 'metadata'

/** How a case gets its stores. Cases may run at the same time when every `create` is independent. */
export interface TokenStoreContractContext {
  /**
   * Creates a store that holds exactly the seed. With `beside`, the new store works on the backend of
   * that one, in the `namespace` given; without one in the same, as a second replica does.
   */
  create(
    seed: TokenStoreSeed,
    options?: { readonly beside?: TokenStore; readonly namespace?: string },
  ): Promise<TokenStore>
  /** Closes a store and removes what it held. May be called after `close()`. */
  destroy(store: TokenStore): Promise<void>
  /**
   * Members that a seed can carry. Default all. Only a read-only store may leave some out, such as one
   * over environment variables.
   */
  readonly members?: readonly OptionalCredentialMember[] | undefined
  /** Moves the clock of the stores. Without it, cases that wait for an end poll the real clock. */
  advance?(seconds: number): Promise<void> | void
}

/** One promise of {@link TokenStore}, as a plain function that throws when it is not kept. */
export interface TokenStoreContractCase {
  readonly id: string
  readonly title: string
  /** Rejects with what is not kept. */
  run(context: TokenStoreContractContext): Promise<void>
}

/** Builds a case that destroys every store it created, also when it fails. */
export function contractCase(
  id: string,
  title: string,
  run: (context: TokenStoreContractContext) => Promise<void>,
): TokenStoreContractCase {
  return {
    id,
    title,
    async run(context) {
      const created: TokenStore[] = []
      try {
        const { members, advance } = context
        await run({
          members,
          destroy: (store) => context.destroy(store),
          ...(advance && { advance: (seconds: number) => advance.call(context, seconds) }),
          async create(seed, options) {
            const store = await context.create(seed, options)
            created.push(store)
            return store
          },
        })
      } finally {
        for (const store of created.reverse()) await context.destroy(store)
      }
    },
  }
}

/** Key of the service's own credential. */
export function serviceKey(provider = 'coda'): CredentialKey {
  return { provider, owner: { kind: 'service' } }
}

/** Key of one user's credential. */
export function userKey(
  subject: string,
  issuer = 'https://issuer.example',
  provider = 'coda',
): CredentialKey {
  return { provider, owner: { kind: 'user', issuer, subject } }
}

/** An API key to store. */
export function apiKey(secret: string): CredentialInput {
  return { kind: 'api-key', secret }
}

/** Asserts that a promise rejects with the code, and that the error shows none of the secrets. */
export async function rejectsWith(
  code: AuthErrorCode,
  run: () => Promise<unknown>,
  secrets: readonly string[] = [],
): Promise<void> {
  let error: unknown
  try {
    await run()
  } catch (thrown) {
    error = thrown
  }
  assert.ok(isAuthError(error), `expected ${code}, got ${String(error)}`)
  assert.equal(error.code, code)
  for (const secret of secrets) assert.ok(!String(error.stack).includes(secret))
}

/** Asserts that one credential is stored with exactly these members. */
export async function assertStored(
  store: TokenStore,
  key: CredentialKey,
  expected: CredentialInput,
): Promise<void> {
  const found = await store.get(key)
  assert.ok(found !== undefined, 'the credential is absent')
  const { kind, secret, refreshToken, expiresAt, scopes, metadata } = found
  const actual = { kind, secret, refreshToken, expiresAt, scopes, metadata }
  assert.deepEqual(actual, {
    kind: expected.kind,
    secret: expected.secret,
    refreshToken: expected.refreshToken,
    expiresAt: expected.expiresAt,
    scopes: expected.scopes,
    metadata: expected.metadata,
  })
}

/** Collects the keys of a store in a stable order. */
export async function listKeys(
  store: TokenStore,
  filter?: { readonly provider?: string },
): Promise<CredentialKey[]> {
  const keys: CredentialKey[] = []
  for await (const key of store.keys(filter)) keys.push(key)
  return keys.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
}
