import type { JsonObject, Received } from '../exchange.js'
import { active, type Fault, type Means } from '../fault.js'
import { healthy } from '../healthy.js'
import type { RefreshOutcome, Urls } from '../parts.js'
import { serverMetadataWith } from '../replacements.js'
import type { Site } from '../site.js'

const REFUSED: RefreshOutcome = { kind: 'error', error: 'invalid_grant' }

/** A token as the site issues them, with some claims changed. */
function tokenWith(change: (urls: Urls, now: number) => JsonObject, header?: JsonObject) {
  return ({ urls, key }: Site): Means => {
    const now = Math.floor(Date.now() / 1000)
    const grant = { clientId: 'client', scopes: ['notes.read'], resource: urls.resource }
    return {
      token: key.mint({ ...healthy.claims(urls, grant, now), ...change(urls, now) }, header),
    }
  }
}

/** DR-20. People sign in again every hour. */
const noRefreshTokens: readonly Fault[] = [
  {
    check: 'DR-20',
    server: 'does not list the refresh_token grant',
    status: 'warning',
    replacement: serverMetadataWith(() => ({ grant_types_supported: ['authorization_code'] })),
  },
  {
    check: 'DR-20',
    server: 'does not list its grants, which stands for no refresh_token',
    status: 'warning',
    replacement: {
      ...serverMetadataWith(() => ({ grant_types_supported: undefined })),
      // Without a list clients name all grants that they know.
      acceptsGrants: () => true,
    },
  },
  {
    check: 'DR-20',
    server: 'does not list offline_access',
    status: 'warning',
    replacement: serverMetadataWith(() => ({ scopes_supported: ['notes.read', 'notes.write'] })),
  },
  {
    check: 'DR-20',
    server: 'issues no refresh token',
    status: 'warning',
    means: active,
    replacement: {
      tokenAnswer: (document) => healthy.tokenAnswer({ ...document, refresh_token: undefined }),
    },
  },
  {
    check: 'DR-20',
    server: 'does not say how long its tokens live',
    status: 'warning',
    means: active,
    replacement: { tokenAnswer: (document) => document },
  },
]

/** DR-21. A refresh fails after parallel calls or after an answer that was lost. */
const strictRotation: readonly Fault[] = [
  {
    check: 'DR-21',
    server: 'takes a refresh token once, whatever became of its answer',
    status: 'warning',
    means: active,
    replacement: {
      refresh: (tokens, value, asked) =>
        tokens.find(value)?.successor === undefined
          ? healthy.refresh(tokens, value, asked)
          : REFUSED,
    },
  },
  {
    check: 'DR-21',
    server: 'ends the whole session when a refresh token comes twice',
    status: 'warning',
    means: active,
    replacement: {
      refresh: (tokens, value, asked) => {
        const successor = tokens.find(value)?.successor
        if (successor === undefined) return healthy.refresh(tokens, value, asked)
        const next = tokens.find(successor)
        if (next !== undefined) next.revoked = true
        return REFUSED
      },
    },
  },
]

/** DR-22. Clients are stuck after the resource changed. */
const wrongTarget: readonly Fault[] = [
  {
    check: 'DR-22',
    server: 'answers invalid_target to a refresh for another resource',
    status: 'failed',
    means: active,
    replacement: {
      refresh: (tokens, value, asked) => {
        const token = tokens.find(value)
        const other = asked.resource !== undefined && asked.resource !== token?.resource
        return token !== undefined && other
          ? { kind: 'error', error: 'invalid_target' }
          : healthy.refresh(tokens, value, asked)
      },
    },
  },
  {
    check: 'DR-22',
    server: 'answers a refresh for another resource with a token for it',
    status: 'failed',
    means: active,
    replacement: {
      refresh: (tokens, value, asked) => {
        const token = tokens.find(value)
        const outcome = healthy.refresh(tokens, value, { ...asked, resource: undefined })
        const { resource = token?.resource } = asked
        if (token === undefined || outcome.kind === 'error' || resource === token.resource) {
          return outcome
        }
        return { kind: 'token', value: tokens.issue({ ...token, resource: resource ?? '' }) }
      },
    },
  },
  {
    check: 'DR-22',
    server: 'answers a refresh for another resource with a token for its own',
    status: 'warning',
    means: active,
    replacement: {
      refresh: (tokens, value, asked) =>
        healthy.refresh(tokens, value, { ...asked, resource: undefined }),
    },
  },
  {
    check: 'DR-22',
    server: 'refuses a refresh that names its resource',
    status: 'failed',
    means: active,
    replacement: {
      refresh: (tokens, value, asked) =>
        asked.resource === undefined
          ? healthy.refresh(tokens, value, asked)
          : { kind: 'error', error: 'invalid_target' },
    },
  },
]

/** DR-25. A token was issued, and the endpoint answers 401. */
const refusedTokens: readonly Fault[] = [
  {
    check: 'DR-25',
    server: 'is shown a token for another audience',
    status: 'failed',
    means: tokenWith(() => ({ aud: 'https://other.example.com/mcp' })),
  },
  {
    check: 'DR-25',
    server: 'is shown a token without an audience',
    status: 'failed',
    means: tokenWith(() => ({ aud: undefined })),
  },
  {
    check: 'DR-25',
    server: 'is shown a token of another issuer',
    status: 'failed',
    means: tokenWith(() => ({ iss: 'https://accounts.example.net' })),
  },
  {
    check: 'DR-25',
    server: 'is shown a token that has expired',
    status: 'failed',
    means: tokenWith((_urls, now) => ({ exp: now - 60 })),
  },
  {
    check: 'DR-25',
    server: 'is shown a token that never expires',
    status: 'failed',
    means: tokenWith(() => ({ exp: undefined })),
  },
  {
    check: 'DR-25',
    server: 'is shown a token without its scopes',
    status: 'failed',
    means: tokenWith(() => ({ scope: 'profile' })),
  },
  {
    check: 'DR-25',
    server: 'is shown a token of a key that is gone',
    status: 'failed',
    means: tokenWith(() => ({}), { kid: 'key-0' }),
  },
  {
    check: 'DR-25',
    server: 'is shown a token whose signature is of another key',
    status: 'failed',
    means: (site) => {
      const { token = '' } = tokenWith(() => ({}))(site)
      const [header, claims, signature = ''] = token.split('.')
      const other = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
      return { token: [header, claims, other].join('.') }
    },
  },
  {
    check: 'DR-25',
    server: 'is shown a token without a signature',
    status: 'failed',
    means: (site) => {
      const { token = '' } = tokenWith(() => ({}), { alg: 'none' })(site)
      return { token: `${token.split('.').slice(0, 2).join('.')}.` }
    },
  },
  {
    check: 'DR-25',
    server: 'is shown a token that is no JWT',
    status: 'failed',
    means: () => ({ token: 'opaque-4f1c22d0a7' }),
  },
  {
    check: 'DR-25',
    server: 'refuses every token of its own authorization server',
    status: 'failed',
    means: tokenWith(() => ({})),
    replacement: { acceptsClaims: () => false },
  },
  {
    check: 'DR-25',
    server: 'has an authorization server that forgets for whom its tokens are',
    status: 'failed',
    means: active,
    replacement: {
      claims: (urls, grant, now) => ({ ...healthy.claims(urls, grant, now), aud: grant.clientId }),
    },
  },
]

const looksLikeJwt = ({ headers }: Received): boolean =>
  /^Bearer [\w-]+\.[\w-]+\./.test(headers.authorization ?? '')

/** DR-25. A token was issued to nobody of this server, and the endpoint answers as if it were. */
const takenTokens: readonly Fault[] = [
  {
    check: 'DR-25',
    server: 'takes a token that has expired',
    status: 'failed',
    means: tokenWith((_urls, now) => ({ exp: now - 60 })),
    replacement: { letsIn: looksLikeJwt },
  },
  {
    check: 'DR-25',
    server: 'takes a token of another issuer',
    status: 'failed',
    means: tokenWith(() => ({ iss: 'https://accounts.example.net' })),
    replacement: { letsIn: looksLikeJwt },
  },
  {
    check: 'DR-25',
    server: 'takes a token without a signature',
    status: 'failed',
    means: tokenWith(() => ({}), { alg: 'none' }),
    replacement: { letsIn: looksLikeJwt },
  },
]

/** Servers whose tokens are refused, or end too early, and those that take too many. */
export const TOKEN_FAULTS: readonly Fault[] = [
  ...noRefreshTokens,
  ...strictRotation,
  ...wrongTarget,
  ...refusedTokens,
  ...takenTokens,
]
