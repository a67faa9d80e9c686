import { createServer, type Server } from 'node:http'
import { accessTokenClaims, issueAccessToken } from './issuer/access-token.js'
import { claimFaultMakers } from './issuer/claim-faults.js'
import { createClientRegistry } from './issuer/clients.js'
import type { JsonMembers } from './issuer/compact-jws.js'
import { createFaultyBase } from './issuer/faulty-base.js'
import { createGrantStore, randomToken } from './issuer/grants.js'
import type { IssuerContext } from './issuer/issuer-context.js'
import { ENDPOINT_PATHS } from './issuer/metadata-endpoint.js'
import type { ResponseMode } from './issuer/outages.js'
import {
  type CountedEndpoint,
  createRouter,
  type RequestHandler,
  type SwitchableEndpoint,
} from './issuer/router.js'
import { signatureFaultMakers } from './issuer/signature-faults.js'
import { createSigningKeys, type TestIssuerKeys } from './issuer/signing-keys.js'
import { parseTestIssuerOptions, type TestIssuerOptions } from './issuer-options.js'
import { TOKEN_FAULTS_BY_NAME, type TokenFault, type TokenFaultRecord } from './token-faults.js'

/** A local OAuth authorization server whose tokens can be right or wrong on request. */
export interface TestIssuer {
  /** Issuer identifier. Reading it before the port is known throws. */
  readonly issuer: string
  /** Origin of the issuer. */
  readonly url: string
  /** Address of the JWK Set. */
  readonly jwksUri: string
  /** The `audience` option as a list. */
  readonly audience: readonly string[]
  /** Listens on 127.0.0.1. Resolves at once when it listens already. */
  listen(): Promise<void>
  /** Stops listening and drops open connections, hanging ones included. May be called twice. */
  close(): Promise<void>
  /**
   * Answers the issuer's own paths and calls `next` for all others, so that it can be mounted in an
   * Express application or called by a `node:http` server. Needs a fixed port in `issuer`. Requests
   * from another machine, or for another host name than loopback, are refused with 403.
   */
  readonly handler: RequestHandler
  /**
   * Signs an access token. Claims replace the usual ones; one that is `undefined` is left out. `header`
   * does the same to the header.
   * Rejects with a TypeError when neither the claims nor the issuer name an audience.
   */
  token(
    claims?: JsonMembers,
    options?: { readonly header?: JsonMembers | undefined },
  ): Promise<string>
  /** What each fault is and how a correct server answers it. */
  readonly faults: TokenFaultRecord
  /**
   * Makes a token with one fault, right in every other way. `overrides` are claims, set before the
   * fault is made.
   */
  faulty(fault: TokenFault, overrides?: JsonMembers): Promise<string>
  /** Makes a random token behind `prefix` that only introspection knows about, with the claims of `token`. */
  opaqueToken(claims?: JsonMembers, options?: { readonly prefix?: string | undefined }): string
  /** Signs with a new key from now on. The old one leaves the JWK Set unless `keepOld` is set. */
  rotateKeys(options?: { readonly keepOld?: boolean | undefined }): Promise<void>
  /** The JWK Set, to be read and spoilt. */
  readonly keys: TestIssuerKeys
  /** How many requests an endpoint has had, preflights aside. */
  requests(endpoint: CountedEndpoint): number
  /** Makes an endpoint answer in another way until the next call. */
  respond(endpoint: SwitchableEndpoint, mode: ResponseMode): void
}

function listenOnLoopback(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function createContext(
  { now, clients, settings }: ReturnType<typeof parseTestIssuerOptions>,
  issuer: () => string,
): IssuerContext {
  return {
    issuer,
    now,
    settings,
    keys: createSigningKeys(settings.algorithm),
    clients: createClientRegistry(clients),
    grants: createGrantStore(now),
  }
}

/**
 * Creates a local authorization server for tests and for a first run on one machine.
 *
 * It has metadata, a JWK Set, registration, authorization with PKCE, tokens, introspection and
 * revocation, and it makes every faulty token of {@link TOKEN_FAULTS}. It is **not for production**:
 * it approves every request without asking anybody and forgets everything when the process ends. It
 * therefore serves 127.0.0.1 and nothing else.
 *
 * @example
 * ```ts
 * const issuer = createTestIssuer({ audience: 'https://mcp.example/mcp', scopes: ['docs.read'] })
 * await issuer.listen()
 * const good = await issuer.token({ sub: 'ann' })
 * const expired = await issuer.faulty('expired')
 * await issuer.close()
 * ```
 *
 * @throws {@link ConfigurationError} at once, when an option is malformed or the issuer is not on
 *   loopback.
 * @see RFC 8414, RFC 7591, RFC 7636, RFC 7662, RFC 8707, RFC 9068, RFC 9207
 */
export function createTestIssuer(options: TestIssuerOptions = {}): TestIssuer {
  const parsed = parseTestIssuerOptions(options)
  const { hostname, path } = parsed.location
  let { port } = parsed.location
  let server: Server | undefined
  let listening: Promise<void> | undefined

  function origin(): string {
    if (port === 0) throw new Error('the port of the test issuer is not known before listen()')
    return new URL(`http://${hostname}:${port}`).origin
  }
  const context = createContext(parsed, () => origin() + path)
  const { keys } = context

  const modes = new Map<CountedEndpoint, ResponseMode>()
  const counts = new Map<CountedEndpoint, number>()
  const handler = createRouter(context, { modes, counts })
  const makers = { ...claimFaultMakers, ...signatureFaultMakers }

  async function start(): Promise<void> {
    server = createServer((request, response) => handler(request, response))
    port = await listenOnLoopback(server, port)
  }

  return {
    get issuer() {
      return context.issuer()
    },
    get url() {
      return origin()
    },
    get jwksUri() {
      return context.issuer() + ENDPOINT_PATHS.jwks
    },
    audience: context.settings.audience,
    listen() {
      listening ??= start()
      return listening
    },
    async close() {
      const closing = server
      server = undefined
      listening = undefined
      if (closing !== undefined) await closeServer(closing)
    },
    handler,
    async token(claims = {}, { header } = {}) {
      const all = accessTokenClaims(context, claims)
      if (all.aud === undefined && !('aud' in claims)) {
        throw new TypeError('token() needs an audience: set `audience` of the issuer or `aud`')
      }
      return issueAccessToken(context, all, header)
    },
    faults: TOKEN_FAULTS_BY_NAME,
    async faulty(fault, overrides = {}) {
      return makers[fault](await createFaultyBase(context, overrides))
    },
    opaqueToken(claims = {}, { prefix = '' } = {}) {
      const token = prefix + randomToken()
      context.grants.saveOpaque(token, accessTokenClaims(context, claims))
      return token
    },
    rotateKeys: ({ keepOld = false } = {}) => keys.rotate(keepOld),
    keys: { published: keys.published, publish: keys.publish, withdraw: keys.withdraw },
    requests: (endpoint) => counts.get(endpoint) ?? 0,
    respond: (endpoint, mode) => void modes.set(endpoint, mode),
  }
}
