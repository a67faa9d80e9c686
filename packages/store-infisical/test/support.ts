import type { CredentialInput, CredentialKey } from '@bestviable/mcp-auth-middleware'
import {
  type InfisicalTokenStore,
  type InfisicalTokenStoreOptions,
  infisicalTokenStore,
} from '../src/index.js'
import type { FakeInfisical } from './fake-infisical/index.js'

/** Keys for sealing that mean nothing. */
export const ENCRYPTION_KEYS: string = Buffer.from(
  Array.from({ length: 32 }, (_, index) => (index * 37 + 11) % 256),
).toString('base64')

/** Folder of the default namespace. */
export const FOLDER = '/mcp-auth/default'

export function serviceKey(provider = 'coda'): CredentialKey {
  return { provider, owner: { kind: 'service' } }
}

export function userKey(subject: string, issuer = 'https://issuer.example'): CredentialKey {
  return { provider: 'coda', owner: { kind: 'user', issuer, subject } }
}

export function apiKey(secret: string): CredentialInput {
  return { kind: 'api-key', secret }
}

/** A credential that does not fit into a bare value. */
export function oauth(secret: string, refreshToken = 'canary-refresh'): CredentialInput {
  return { kind: 'oauth2', secret, refreshToken }
}

/** A store over the fake that asks for every credential by itself. */
export function storeOver(
  fake: FakeInfisical,
  options: Partial<InfisicalTokenStoreOptions> = {},
): InfisicalTokenStore {
  const { siteUrl, projectId, environment, clientId, clientSecret } = fake
  return infisicalTokenStore({
    siteUrl,
    projectId,
    environment,
    auth: { method: 'universal', clientId, clientSecret },
    listTtlSeconds: 0,
    ...options,
  })
}

/** The rejection of a promise, or an error when there is none. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('the promise was not rejected')
}

/** Runs an operation and tells how long it took, in milliseconds. */
export async function timed<Value>(
  run: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly milliseconds: number }> {
  const start = performance.now()
  const value = await run()
  return { value, milliseconds: performance.now() - start }
}

/** Waits until something holds. */
export async function until(condition: () => boolean, milliseconds = 15_000): Promise<void> {
  const end = Date.now() + milliseconds
  while (!condition()) {
    if (Date.now() > end) throw new Error('it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
