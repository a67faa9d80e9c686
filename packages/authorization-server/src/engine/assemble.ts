import type { TokenValidator } from '@bestviable/mcp-auth-middleware'
import { createManagement } from '../management/create-management.js'
import { inviteFirstAdmin } from '../management/first-admin.js'
import type { Management } from '../management/management.js'
import { managementPartsOf } from '../management/server-management.js'
import { startCleanUp } from './clean-up.js'
import { startEngine } from './engine.js'
import type { AuthorizationServerMetadata } from './metadata.js'
import type { EngineParts } from './parts.js'
import { createRouter, type Router } from './router.js'
import { createOwnValidator } from './validator.js'

/** An authorization server that is mounted in an application. */
export interface AuthorizationServer extends Management {
  /** Middleware `(request, response, next)`. Answers its own paths only; mount it first, at the root. */
  readonly router: Router
  /** For `validators` of `mcpAuth`: verifies our tokens in this process, without a request. */
  readonly validator: TokenValidator
  /** What the metadata documents say. */
  readonly metadata: AuthorizationServerMetadata
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
  if (parts.firstAdmin !== undefined) await inviteFirstAdmin(parts.storage, parts.firstAdmin)
  const { router, metadata } = createRouter(engine)
  const endCleanUp = startCleanUp(parts)
  let closing: Promise<void> | undefined
  return {
    ...createManagement(managementPartsOf(engine)),
    router,
    validator: createOwnValidator(engine),
    metadata,
    check: () => parts.storage.check(),
    close() {
      closing ??= (async () => {
        endCleanUp()
        engine.close()
        parts.documents?.close()
        await onClose()
      })()
      return closing
    },
  }
}
