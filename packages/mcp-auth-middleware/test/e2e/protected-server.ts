import { createMcpAuth, type McpAuth } from '../../src/create-mcp-auth.js'
import type { AuthEvent } from '../../src/events.js'
import type { McpAuthOptions } from '../../src/mcp-auth-options.js'
import type { TestIssuerOptions } from '../../src/testing/issuer-options.js'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { oidc } from '../../src/validators/oidc.js'
import { createCleanup, startHost } from './listening.js'
import type { DuringEcho, McpApp } from './mcp-servers.js'
import { startPrefixProxy } from './prefix-proxy.js'

/** Where the server is: its public address and what lies in front of it. */
export type Layout = 'path' | 'no path' | 'stripped prefix only' | 'stripped prefix, all forwarded'

export interface ProtectedServer {
  readonly issuer: TestIssuer
  readonly auth: McpAuth
  /** The URL that clients are given. */
  readonly url: string
  readonly events: readonly AuthEvent[]
  token(claims?: Record<string, unknown>): Promise<string>
}

export interface StartOptions {
  readonly app: McpApp
  readonly layout?: Layout | undefined
  readonly during?: DuringEcho | undefined
  readonly auth?: Partial<McpAuthOptions> | undefined
  /** Options of the issuer, which may depend on the URL of the server. */
  readonly issuer?: ((url: string) => TestIssuerOptions) | undefined
  /** Clock of the middleware and of its validator, in epoch milliseconds. */
  readonly now?: (() => number) | undefined
}

/** Starts issuers and protected servers, and stops all that it started. */
export function createStage() {
  const { later, run } = createCleanup()

  async function start(options: StartOptions): Promise<ProtectedServer> {
    const { layout = 'path', now = Date.now } = options
    const host = await startHost()
    later(() => host.close())
    let origin = host.origin
    if (layout.startsWith('stripped')) {
      const proxy = await startPrefixProxy(
        host.origin,
        layout === 'stripped prefix only' ? 'prefix' : 'everything',
      )
      later(() => proxy.close())
      origin = `${proxy.origin}/coda`
    }
    const localPath = layout === 'no path' ? '/' : '/mcp'
    const url = layout === 'no path' ? origin : `${origin}/mcp`
    // Not RSA, whose keys take half a second of work for each server.
    const issuer = createTestIssuer({ algorithm: 'ES256', ...options.issuer?.(url) })
    await issuer.listen()
    later(() => issuer.close())
    const events: AuthEvent[] = []
    const auth = createMcpAuth({
      resource: url,
      localPath,
      validators: [oidc({ issuer: issuer.issuer, now })],
      onEvent: (event) => events.push(event),
      now,
      ...options.auth,
    })
    host.answer(options.app(auth, localPath, options.during))
    return {
      issuer,
      auth,
      url,
      events,
      token: (claims = {}) => issuer.token({ aud: url, ...claims }),
    }
  }
  return { start, later, stop: run }
}
