import { randomBytes } from 'node:crypto'

/** What the (absent) user allowed one client. */
export interface Grant {
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly audience: readonly string[]
  readonly nonce: string | undefined
  /** `jti` of the access tokens issued so far, so that they end with the grant. */
  readonly tokenIds: string[]
}

/** An authorization code and what it is bound to. */
interface AuthorizationCode {
  readonly grant: Grant
  readonly redirectUri: string
  readonly codeChallenge: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
  used: boolean
}

/** A refresh token, spent by its first use. */
interface RefreshToken {
  readonly grant: Grant
  used: boolean
}

/** Codes, refresh tokens and revocations of one issuer, in memory. */
export interface GrantStore {
  issueCode(code: Omit<AuthorizationCode, 'expiresAt' | 'used'>): string
  /** The code, also after its use; `undefined` once it is 60 seconds old. */
  findCode(code: string): AuthorizationCode | undefined
  issueRefreshToken(grant: Grant): string
  findRefreshToken(token: string): RefreshToken | undefined
  revoke(grant: Grant): void
  revokeTokenId(tokenId: string): void
  isRevoked(tokenId: unknown): boolean
  /** Keeps the introspection answer for an opaque token. */
  saveOpaque(token: string, claims: Readonly<Record<string, unknown>>): void
  findOpaque(token: string): Readonly<Record<string, unknown>> | undefined
  deleteOpaque(token: string): void
}

const CODE_LIFETIME_MS = 60_000

/** 256 random bits, base64url. */
export function randomToken(): string {
  return randomBytes(32).toString('base64url')
}

export function createGrantStore(now: () => number): GrantStore {
  const codes = new Map<string, AuthorizationCode>()
  const refreshTokens = new Map<string, RefreshToken>()
  const revoked = new Set<string>()
  const opaque = new Map<string, Readonly<Record<string, unknown>>>()

  return {
    issueCode(code) {
      for (const [key, { expiresAt }] of codes) if (expiresAt <= now()) codes.delete(key)
      const key = randomToken()
      codes.set(key, { ...code, expiresAt: now() + CODE_LIFETIME_MS, used: false })
      return key
    },
    findCode(key) {
      const code = codes.get(key)
      return code === undefined || code.expiresAt <= now() ? undefined : code
    },
    issueRefreshToken(grant) {
      const token = randomToken()
      refreshTokens.set(token, { grant, used: false })
      return token
    },
    findRefreshToken: (token) => refreshTokens.get(token),
    revoke(grant) {
      for (const tokenId of grant.tokenIds) revoked.add(tokenId)
      for (const [token, entry] of refreshTokens) {
        if (entry.grant === grant) refreshTokens.delete(token)
      }
    },
    revokeTokenId: (tokenId) => void revoked.add(tokenId),
    isRevoked: (tokenId) => typeof tokenId === 'string' && revoked.has(tokenId),
    saveOpaque: (token, claims) => void opaque.set(token, claims),
    findOpaque: (token) => opaque.get(token),
    deleteOpaque: (token) => void opaque.delete(token),
  }
}
