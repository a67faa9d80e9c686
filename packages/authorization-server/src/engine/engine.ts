import type Provider from 'oidc-provider'
import { grantKeyOf } from '../storage/grant-key.js'
import { callEngine, type EngineHandler, type EngineResponse } from './engine-call.js'
import { createEngineScope, type EngineScope } from './engine-scope.js'
import { countFetch } from './find-document.js'
import type { EndpointRequest } from './http.js'
import { type KeyRing, loadKeyRing } from './key-ring.js'
import { createOwnClaimsReader, type OwnClaimsReader } from './own-claims.js'
import type { EngineParts } from './parts.js'
import { createProvider } from './provider.js'
import { revocationEnd } from './revocation-end.js'
import { openRevocationFeed, type RevocationFeed } from './revocation-feed.js'
import { KEY_POLL_SECONDS } from './signing-keys.js'

/** The protocol engine with its keys and its list of revocations. */
export interface Engine {
  readonly parts: EngineParts
  readonly keys: KeyRing
  readonly feed: RevocationFeed
  /** The engine itself. Another one after each change of the signing key. */
  readonly provider: Provider
  readonly readOwnClaims: OwnClaimsReader
  /** Asks the engine with the public URL of a path, whatever the caller's request said. */
  call(request: EngineCall, scope?: EngineScope): Promise<EngineResponse>
  /** Ends a grant: its records, and its tokens on all replicas. */
  revokeGrant(grantId: string): Promise<void>
  close(): void
}

/** What is handed to the engine. */
export interface EngineCall {
  readonly request: EndpointRequest
  readonly query?: string | undefined
  /** Form body; makes it a POST. */
  readonly form?: URLSearchParams | undefined
}

/** Headers that mean something to the engine. Host, origin and forwarding headers do not. */
const PASSED_HEADERS = ['authorization', 'cookie', 'dpop', 'user-agent'] as const

/** Starts the engine: loads the keys and the revocations. Rejects when the storage cannot be used. */
export async function startEngine(parts: EngineParts): Promise<Engine> {
  const { storage, now, issuer, lifetimes } = parts
  const policy = { algorithm: parts.algorithm, longestTokenLife: lifetimes.accessToken }
  const keys = await loadKeyRing({ storage, policy, now })
  // A failed read keeps the keys as they are until the next one; `check` reports the storage.
  const refreshKeys = (): void => void keys.refresh().catch(() => undefined)
  const feed = await openRevocationFeed({ storage, now, onKeyRevoked: refreshKeys })
  const { host, protocol } = new URL(issuer)

  const revokeGrant = async (grantId: string): Promise<void> => {
    const expiresAt = revocationEnd(now(), lifetimes.accessToken)
    await storage.grants.revoke(grantKeyOf(grantId), expiresAt)
  }

  const build = (): { provider: Provider; handler: EngineHandler } => {
    const provider = createProvider(parts, keys, revokeGrant)
    return { provider, handler: provider.callback() }
  }
  let current = build()
  let signing = keys.signingKey.kid
  keys.onChange(() => {
    if (keys.signingKey.kid === signing) return
    signing = keys.signingKey.kid
    current = build()
  })

  const timer = setInterval(refreshKeys, KEY_POLL_SECONDS * 1000)
  timer.unref()

  return {
    parts,
    keys,
    feed,
    get provider() {
      return current.provider
    },
    readOwnClaims: createOwnClaimsReader({ keys, issuer, now }),
    call({ request, query = request.query, form }, scope = createEngineScope()) {
      scope.hasAssertion = form?.has('client_assertion') ?? false
      scope.countFetch = () => countFetch(parts, request)
      const headers: Record<string, string> = {
        host,
        'x-forwarded-host': host,
        'x-forwarded-proto': protocol.slice(0, -1),
        accept: request.path.startsWith('/oauth/authorize') ? 'text/html' : 'application/json',
      }
      for (const name of PASSED_HEADERS) {
        const value = request.headers[name]
        if (typeof value === 'string') headers[name] = value
      }
      if (form !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded'
      return callEngine(
        current.handler,
        {
          method: form === undefined ? 'GET' : 'POST',
          url: query === '' ? request.path : `${request.path}?${query}`,
          headers,
          body: form?.toString(),
          remoteAddress: request.remoteAddress,
        },
        scope,
      )
    },
    revokeGrant,
    close() {
      clearInterval(timer)
      feed.close()
    },
  }
}
