import { type CredentialRequiredError, isAuthError, StoreUnavailableError } from '../errors.js'
import type { Principal } from '../principal.js'
import { sharesPromises } from '../runtime.js'
import type { CachedTokenStore } from './cached-token-store.js'
import { validateCredentialInput } from './credential.js'
import { credentialKeyId } from './credential-key.js'
import { pause, untilAborted, withDeadline } from './deadline.js'
import type { Credential, CredentialInput, CredentialKey, TokenStore } from './token-store.js'

/** A credential is refreshed when it has less than this left, in seconds. */
const REFRESH_BEFORE_SECONDS = 60
const LEASE_SECONDS = 30
const READ_MILLISECONDS = 2000
const WRITE_MILLISECONDS = 1600
const WRITE_ATTEMPTS = 3
const LEASE_MILLISECONDS = 2000
/** Time for the upstream's answer. With the reads and the writes it ends before the lease does. */
const HOOK_MILLISECONDS = 10_000
/** How long others wait for the holder of the lease. Longer than a lease, so that a crash heals. */
const WAIT_MILLISECONDS = 35_000
const POLL_MILLISECONDS = 100

/** What a {@link RefreshCredential} hook is told. */
export interface RefreshContext {
  readonly principal: Principal
  /** Aborts after 10 seconds. */
  readonly signal: AbortSignal
}

/**
 * Exchanges the refresh token of a credential at the upstream API. Called by one process at a time for
 * one key.
 *
 * Resolves with the whole new credential, or `undefined` when the upstream says that the refresh token
 * is no longer valid, so that the caller has to connect again. Any rejection counts as an outage.
 */
export type RefreshCredential = (
  credential: Credential,
  context: RefreshContext,
) => Promise<CredentialInput | undefined>

/** Returns the credential itself while it is valid, and a refreshed one otherwise. */
export type EnsureFresh = (
  key: CredentialKey,
  credential: Credential,
  principal: Principal,
  signal: AbortSignal | undefined,
) => Promise<Credential>

interface RefreshOptions {
  readonly store: TokenStore
  readonly refresh: RefreshCredential | undefined
  readonly now: () => number
  /** Builds the error for a credential that only the caller can replace. */
  readonly required: (principal: Principal) => CredentialRequiredError
  /** Told about every credential that was written. */
  readonly written: (key: CredentialKey, credential: Credential, principal: Principal) => void
}

function codeOf(error: unknown): string | undefined {
  return isAuthError(error) ? error.code : undefined
}

/**
 * Creates the refresher of one `createCredentials`: one call of the hook at a time for a key, within
 * this process by a shared promise and between processes by the lease of the store.
 */
export function createRefresher(options: RefreshOptions): EnsureFresh {
  const { store, refresh, now, required, written } = options
  const flights = new Map<string, Promise<Credential>>()
  // Results of the hook that could not be written. The upstream may have spent the old refresh token,
  // so losing one would force the caller to connect again.
  const unwritten = new Map<string, { readonly version: string; readonly input: CredentialInput }>()
  const shared = sharesPromises()

  const secondsLeft = ({ expiresAt = Number.POSITIVE_INFINITY }: Credential) =>
    expiresAt - now() / 1000
  const isExpired = (credential: Credential) => secondsLeft(credential) <= 0
  const isDue = (credential: Credential) => secondsLeft(credential) <= REFRESH_BEFORE_SECONDS

  async function readAgain(key: CredentialKey, principal: Principal): Promise<Credential> {
    // A cached copy may hold a refresh token that another process has spent.
    if ('invalidate' in store) (store as CachedTokenStore).invalidate(key)
    const credential = await withDeadline(READ_MILLISECONDS, undefined, (signal) =>
      store.get(key, { signal }),
    )
    if (credential === undefined) throw required(principal)
    return credential
  }

  async function callHook(
    hook: RefreshCredential,
    credential: Credential,
    principal: Principal,
  ): Promise<CredentialInput> {
    let input: CredentialInput | undefined
    try {
      input = await withDeadline(HOOK_MILLISECONDS, undefined, (signal) =>
        hook(credential, { principal, signal }),
      )
    } catch (cause) {
      throw new StoreUnavailableError('the upstream credential could not be refreshed', { cause })
    }
    if (input === undefined) throw required(principal)
    return validateCredentialInput(input)
  }

  async function write(key: CredentialKey, version: string, input: CredentialInput) {
    const id = credentialKeyId(key)
    unwritten.set(id, { version, input })
    for (let attempt = 1; ; attempt++) {
      try {
        const credential = await withDeadline(WRITE_MILLISECONDS, undefined, () =>
          store.set(key, input, { ifVersion: version }),
        )
        unwritten.delete(id)
        return credential
      } catch (error) {
        if (codeOf(error) !== 'ERR_STORE_UNAVAILABLE') unwritten.delete(id)
        if (codeOf(error) !== 'ERR_STORE_UNAVAILABLE' || attempt === WRITE_ATTEMPTS) throw error
        await pause(POLL_MILLISECONDS)
      }
    }
  }

  async function refreshUnderLease(
    hook: RefreshCredential,
    key: CredentialKey,
    principal: Principal,
  ): Promise<Credential> {
    const current = await readAgain(key, principal)
    if (!isDue(current)) return current
    if (current.refreshToken === undefined) throw required(principal)

    const pending = unwritten.get(credentialKeyId(key))
    const input =
      pending?.version === current.version
        ? pending.input
        : await callHook(hook, current, principal)
    try {
      const credential = await write(key, current.version, input)
      written(key, credential, principal)
      return credential
    } catch (error) {
      // Somebody connected again meanwhile, or a write that seemed lost had arrived.
      if (codeOf(error) === 'ERR_STORE_CONFLICT') return readAgain(key, principal)
      throw error
    }
  }

  async function refreshOnce(
    hook: RefreshCredential,
    key: CredentialKey,
    principal: Principal,
  ): Promise<Credential> {
    const end = performance.now() + WAIT_MILLISECONDS
    while (performance.now() < end) {
      const lease = await withDeadline(LEASE_MILLISECONDS, undefined, async () =>
        store.lease?.(key, LEASE_SECONDS),
      )
      if (lease !== undefined) {
        try {
          return await refreshUnderLease(hook, key, principal)
        } finally {
          // A lease that cannot be given back runs out by itself.
          await withDeadline(LEASE_MILLISECONDS, undefined, () => lease.release()).catch(() => {})
        }
      }
      const current = await readAgain(key, principal)
      if (!isExpired(current)) return current
      await pause(POLL_MILLISECONDS)
    }
    throw new StoreUnavailableError('another process holds the refresh of this credential')
  }

  function join(hook: RefreshCredential, key: CredentialKey, principal: Principal) {
    if (!shared) return refreshOnce(hook, key, principal)
    const id = credentialKeyId(key)
    const running = flights.get(id)
    if (running !== undefined) return running
    const flight = refreshOnce(hook, key, principal).finally(() => flights.delete(id))
    flights.set(id, flight)
    return flight
  }

  return async (key, credential, principal, signal) => {
    if (!isDue(credential)) return credential
    const { write: writes, compareAndSet, lease } = store.capabilities
    const able = refresh !== undefined && writes && compareAndSet && lease
    if (!able || credential.refreshToken === undefined) {
      if (isExpired(credential)) throw required(principal)
      return credential
    }
    try {
      return await untilAborted(join(refresh, key, principal), signal)
    } catch (error) {
      // A refresh ahead of time that failed costs nothing while the credential still works.
      if (codeOf(error) === 'ERR_STORE_UNAVAILABLE' && !isExpired(credential)) return credential
      throw error
    }
  }
}
