import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { signIdToken } from './id-token.js'
import type { ProviderFaults } from './provider-faults.js'

/** How a provider in a test looks to its clients. */
export interface ProviderOptions {
  /** Default: its own URL. Another one is reached through {@link OpenidProvider.fetch} only. */
  readonly issuer?: string
  /** URL before the well-known path, when that is not the issuer. */
  readonly base?: string
  readonly clientId?: string
  readonly clientSecret?: string
  /** Merged into the metadata; `undefined` removes a member. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Merged into the published key. */
  readonly publishedKey?: Readonly<Record<string, unknown>>
  readonly now?: () => number
}

interface SigningKey {
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

let signingKey: Promise<SigningKey> | undefined

async function createSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  return { privateKey, publicJwk }
}

/** What the token endpoint received. */
export interface TokenRequest {
  readonly authorization: string | undefined
  readonly form: URLSearchParams
}

export const CLIENT_ID = 'client-1'
/** With characters that the two ways of client authentication encode differently. */
export const CLIENT_SECRET = 'canary-client-secret/+%~:1234567890'

/** An OpenID provider on 127.0.0.1 for tests, whose claims and faults the test sets. */
export class OpenidProvider {
  readonly requests: string[] = []
  readonly tokenRequests: TokenRequest[] = []
  /** Claims beyond the protocol's own ones. */
  claims: Record<string, unknown> = {}
  userinfo: Record<string, unknown> | undefined
  faults: ProviderFaults = {}
  readonly #codes = new Map<string, URLSearchParams>()
  readonly #hanging = new Set<ServerResponse>()

  readonly options: ProviderOptions
  readonly server: Server
  readonly privateKey: CryptoKey
  readonly #publicJwk: JWK

  constructor(options: ProviderOptions, server: Server, key: SigningKey) {
    this.options = options
    this.server = server
    this.privateKey = key.privateKey
    this.#publicJwk = key.publicJwk
    server.on('request', (request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  get issuer(): string {
    return this.options.issuer ?? this.url
  }

  get clientId(): string {
    return this.options.clientId ?? CLIENT_ID
  }

  get clientSecret(): string {
    return this.options.clientSecret ?? CLIENT_SECRET
  }

  get #base(): string {
    return this.options.base ?? this.issuer
  }

  now(): number {
    return (this.options.now ?? Date.now)()
  }

  /** Sends every request here, so that the hosts of real providers can be stood in for. */
  readonly fetch: typeof globalThis.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    return globalThis.fetch(`${this.url}${url.pathname}${url.search}`, init)
  }

  metadata(): Record<string, unknown> {
    const { origin } = new URL(this.#base)
    return {
      issuer: this.issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      jwks_uri: `${origin}/jwks`,
      userinfo_endpoint: `${origin}/userinfo`,
      id_token_signing_alg_values_supported: ['RS256'],
      ...this.options.metadata,
    }
  }

  /** Plays the browser and the person: what the provider sends the browser back to. */
  authorize(url: URL, answer: Readonly<Record<string, string>> = {}): URL {
    const code = `code-${this.#codes.size + 1}`
    this.#codes.set(code, url.searchParams)
    const callback = new URL(url.searchParams.get('redirect_uri') ?? '')
    const state = url.searchParams.get('state') ?? ''
    const parameters = 'error' in answer ? { state, ...answer } : { code, state, ...answer }
    for (const [name, value] of Object.entries(parameters)) callback.searchParams.set(name, value)
    return callback
  }

  async close(): Promise<void> {
    for (const response of this.#hanging) response.destroy()
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', this.url).pathname
    const name = path.endsWith('/.well-known/openid-configuration')
      ? 'metadata'
      : (path.split('/').at(-1) ?? '')
    this.requests.push(name)
    const body = await readBody(request)
    const fault = this.faults.http?.[name]
    if (fault === 'hang') {
      this.#hanging.add(response)
      return
    }
    if (fault !== undefined) return fault(response)
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (name === 'metadata') return void json(200, this.metadata())
    if (name === 'jwks') {
      return void json(200, { keys: [{ ...this.#publicJwk, ...this.options.publishedKey }] })
    }
    if (name === 'userinfo') return void json(200, { sub: 'subject-1', ...this.userinfo })
    if (name === 'token') {
      const { authorization } = request.headers
      this.tokenRequests.push({ authorization, form: body })
      return void json(...(await this.#redeem(body)))
    }
    json(404, {})
  }

  async #redeem(form: URLSearchParams): Promise<[status: number, body: unknown]> {
    const code = form.get('code') ?? ''
    const asked = this.#codes.get(code)
    this.#codes.delete(code)
    const verifier = form.get('code_verifier') ?? ''
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const isExpected =
      asked?.get('code_challenge_method') === 'S256' &&
      asked.get('code_challenge') === challenge &&
      asked.get('redirect_uri') === form.get('redirect_uri')
    if (asked === undefined || !isExpected) {
      return [400, { error: 'invalid_grant', error_description: 'canary-upstream-text' }]
    }
    return [
      200,
      {
        access_token: 'canary-upstream-access-token',
        token_type: 'Bearer',
        expires_in: 3600,
        id_token: await signIdToken(this, asked.get('nonce') ?? undefined),
      },
    ]
  }
}

async function readBody(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return new URLSearchParams(text)
}

/** Starts a provider on a free port. Close it after the test. */
export async function startOpenidProvider(options: ProviderOptions = {}): Promise<OpenidProvider> {
  // Making one takes longer than everything else, and no test changes it.
  signingKey ??= createSigningKey()
  const server = createServer()
  const provider = new OpenidProvider(options, server, await signingKey)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return provider
}
