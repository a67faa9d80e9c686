import type { TokenValidator } from '@bestviable/mcp-auth-middleware'
import { startEngine } from './engine.js'
import type { AuthorizationServerMetadata } from './metadata.js'
import type { EngineParts } from './parts.js'
import { createRouter, type Router } from './router.js'
import { createOwnValidator } from './validator.js'

/** An authorization server that is mounted in an application. */
export interface AuthorizationServer {
  /** Middleware `(request, response, next)`. Answers its own paths only; mount it first, at the root. */
  readonly router: Router
  /** For `validators` of `mcpAuth`: verifies our tokens in this process, without a request. */
  readonly validator: TokenValidator
  /** What the metadata documents say. */
  readonly metadata: AuthorizationServerMetadata
  /**
   * Starts using a new signing key. It is published first and signs after seven minutes, when every
   * resource server has it. `compromised` removes the old keys at once, and with them all access tokens.
   */
  rotateSigningKeys(options?: { readonly compromised?: boolean }): Promise<void>
  /** Rejects when the database is not usable now. */
  check(): Promise<void>
  /** Ends timers and, when it was made from a connection string, the database. Idempotent. */
  close(): Promise<void>
}

/** Starts the engine from its parts and puts the public surface around it. */
export async function assembleAuthorizationServer(
  parts: EngineParts,
  onClose: () => Promise<void>,
): Promise<AuthorizationServer> {
  const engine = await startEngine(parts)
  const { router, metadata } = createRouter(engine)
  let closing: Promise<void> | undefined
  return {
    router,
    validator: createOwnValidator(engine),
    metadata,
    async rotateSigningKeys({ compromised = false } = {}) {
      await engine.rotateSigningKeys({ compromised })
      await parts.events.record({
        event: 'signing-keys.rotate',
        outcome: 'done',
        ...(compromised ? { reason: 'compromised' } : {}),
      })
    },
    check: () => parts.storage.check(),
    close() {
      closing ??= (async () => {
        engine.close()
        parts.documents?.close()
        await onClose()
      })()
      return closing
    },
  }
}
