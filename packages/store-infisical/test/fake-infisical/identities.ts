import { createHmac, randomUUID } from 'node:crypto'
import { ApiError, badRequest, tokenError, unauthorized } from './api-error.js'

const LOCKOUT_FAILURES = 3
const LOCKOUT_COUNTER_SECONDS = 30
const LOCKOUT_SECONDS = 300

interface AccessToken {
  readonly createdAt: number
}

export interface LoginAnswer {
  readonly accessToken: string
  readonly expiresIn: number
  readonly accessTokenMaxTTL: number
  readonly tokenType: 'Bearer'
}

export interface IdentityOptions {
  readonly clientId: string
  readonly clientSecret: string
  readonly identityId: string
  /** Life of an access token, in seconds. */
  readonly tokenTtlSeconds: number
  readonly tokenMaxTtlSeconds: number
  /** Epoch milliseconds. */
  readonly now: () => number
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/** One machine identity with its client secret, its lock-out and the access tokens it was given. */
export class Identities {
  readonly options: IdentityOptions
  signingKey = 'first key of the fake'
  /** What the next logins are told instead of being checked, for example that the secret has expired. */
  loginRefusal: string | undefined
  readonly #tokens = new Map<string, AccessToken>()
  #failures: number[] = []
  #lockedUntil = 0

  constructor(options: IdentityOptions) {
    this.options = options
  }

  #seconds(): number {
    return this.options.now() / 1000
  }

  #sign(id: string): LoginAnswer {
    const { tokenTtlSeconds, tokenMaxTtlSeconds } = this.options
    const issuedAt = Math.floor(this.#seconds())
    const claims = {
      identityAccessTokenId: id,
      authTokenType: 'identityAccessToken',
      iat: issuedAt,
      exp: issuedAt + tokenTtlSeconds,
    }
    const text = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(claims))}`
    const signature = createHmac('sha256', this.signingKey).update(text).digest('base64url')
    return {
      accessToken: `${text}.${signature}`,
      expiresIn: tokenTtlSeconds,
      accessTokenMaxTTL: tokenMaxTtlSeconds,
      tokenType: 'Bearer',
    }
  }

  #issue(): LoginAnswer {
    const id = randomUUID()
    this.#tokens.set(id, { createdAt: this.#seconds() })
    return this.#sign(id)
  }

  login(clientId: string, clientSecret: string): LoginAnswer {
    const time = this.#seconds()
    if (time < this.#lockedUntil) {
      throw unauthorized('This identity auth method is temporarily locked, please try again later')
    }
    if (this.loginRefusal !== undefined) throw unauthorized(this.loginRefusal)
    if (clientId === this.options.clientId && clientSecret === this.options.clientSecret) {
      this.#failures = []
      return this.#issue()
    }
    this.#failures = this.#failures.filter((at) => at > time - LOCKOUT_COUNTER_SECONDS)
    this.#failures.push(time)
    if (this.#failures.length >= LOCKOUT_FAILURES) this.lock()
    throw unauthorized('Invalid credentials')
  }

  /** The AWS login looks at the identity only: the signed request would go to AWS. */
  loginWithAws(identityId: string): LoginAnswer {
    if (identityId !== this.options.identityId) {
      throw new ApiError(404, 'NotFound', 'The identity has no AWS Auth attached')
    }
    return this.#issue()
  }

  lock(): void {
    this.#lockedUntil = this.#seconds() + LOCKOUT_SECONDS
  }

  revokeAll(): void {
    this.#tokens.clear()
  }

  /** Checks the bearer token of a request as the server does on nearly every route. */
  verify(token: string): string {
    const [header, payload, signature, rest] = token.split('.')
    let claims: { identityAccessTokenId?: unknown; exp?: unknown }
    try {
      if (signature === undefined || rest !== undefined) throw new Error('no JWT')
      claims = JSON.parse(Buffer.from(`${payload}`, 'base64url').toString())
    } catch {
      throw tokenError(
        'The provided access token is malformed. Please use a valid token or generate a new one and try again.',
      )
    }
    const expected = createHmac('sha256', this.signingKey).update(`${header}.${payload}`)
    if (expected.digest('base64url') !== signature) throw tokenError('invalid signature')
    if (typeof claims.exp !== 'number' || claims.exp <= this.#seconds()) {
      throw tokenError('Your token has expired. Please re-authenticate.')
    }
    const id = String(claims.identityAccessTokenId)
    if (!this.#tokens.has(id)) throw unauthorized('No identity access token found')
    return id
  }

  renew(token: string): LoginAnswer {
    if (token.split('.').length !== 3)
      throw badRequest('Only identity access tokens can be renewed')
    const id = this.verify(token)
    const { tokenTtlSeconds, tokenMaxTtlSeconds } = this.options
    const createdAt = this.#tokens.get(id)?.createdAt ?? 0
    if (this.#seconds() + tokenTtlSeconds > createdAt + tokenMaxTtlSeconds) {
      this.#tokens.delete(id)
      throw unauthorized('Failed to renew MI access token past its Max TTL expiration')
    }
    return this.#sign(id)
  }
}
