import { IssuerUnavailableError } from '@bestviable/mcp-auth-middleware'
import { decodeProtectedHeader } from 'jose'
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  type ExportedJWKSCache,
  fetchUserInfo,
  getJwksCache,
  type IDToken,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  setJwksCache,
} from 'openid-client'
import { isSubject } from './account-text.js'
import { withDeadline } from './deadline.js'
import type { LoginRuntime } from './login-options.js'
import type { LoginResult, RedirectLogin, RedirectState } from './login-provider.js'
import { configureOpenidClient } from './openid-configuration.js'
import { createOpenidExchange } from './openid-exchange.js'
import { describeOpenidFailure } from './openid-failure.js'
import type { OpenidProfile } from './openid-profile.js'
import { createMetadataSource, type UpstreamMetadata } from './upstream-metadata.js'

const RETRY_AFTER_SECONDS = 5
const MAX_CALLBACK_LENGTH = 16 * 1024
const ISSUED_TOLERANCE_SECONDS = 10

const invalid = (reason: string): LoginResult => ({ kind: 'invalid', reason })
const unavailable = (reason: string): LoginResult => ({ kind: 'unavailable', reason })

/** Rules beyond what the protocol library checks. */
function claimsProblem(claims: IDToken, clientId: string, now: () => number): string | undefined {
  // OpenID Connect Core section 3.1.3.7 rule 5, also for tokens with one audience.
  if (claims.azp !== undefined && claims.azp !== clientId) return 'id_token_azp'
  if (claims.iat > now() / 1000 + ISSUED_TOLERANCE_SECONDS) return 'id_token_iat'
  return isSubject(claims.sub) ? undefined : 'id_token_sub'
}

function signingKeyOf(configuration: Configuration, idToken: string | undefined) {
  const { kid } = idToken === undefined ? {} : decodeProtectedHeader(idToken)
  if (kid === undefined) return undefined
  const key = getJwksCache(configuration)?.jwks.keys.find((each) => each.kid === kid)
  return key === undefined ? undefined : Object.fromEntries(Object.entries(key))
}

/**
 * Makes a login by redirect for one upstream: code flow with PKCE S256, `state` and `nonce`, the
 * issuer of the answer compared when the upstream announces it (RFC 9207), and a verified ID token.
 *
 * Identity is always from the ID token. One deadline holds for all requests of a step. An upstream
 * that cannot be asked, or answers nonsense, is `unavailable`, never `invalid`.
 */
export function createOpenidLogin(profile: OpenidProfile, runtime: LoginRuntime): RedirectLogin {
  const { id, label, clientId, discovery, issuers, endpoints = {} } = profile
  const { fetch, now, timeoutMilliseconds } = runtime
  const source = createMetadataSource({ discovery, issuers, endpoints, ...runtime })
  let keys: { readonly of: UpstreamMetadata; readonly cache: ExportedJWKSCache } | undefined

  async function exchange(
    callbackUrl: URL,
    state: RedirectState,
    signal: AbortSignal,
  ): Promise<LoginResult> {
    const found = await source()
    if (!found.ok) return unavailable(`discovery_${found.reason}`)
    const { metadata } = found
    const requests = createOpenidExchange(metadata, fetch, signal)
    try {
      const configuration = await configureOpenidClient(profile, metadata, now)
      configuration[customFetch] = requests.fetch
      if (keys?.of === metadata) setJwksCache(configuration, keys.cache)
      const tokens = await authorizationCodeGrant(configuration, callbackUrl, {
        expectedState: state.state,
        expectedNonce: state.nonce,
        pkceCodeVerifier: state.codeVerifier,
        idTokenExpected: true,
      })
      const cache = getJwksCache(configuration)
      if (cache !== undefined) keys = { of: metadata, cache }
      const claims = tokens.claims()
      if (claims === undefined) return invalid('answer_malformed')
      const problem = claimsProblem(claims, clientId, now)
      if (problem !== undefined) return invalid(problem)
      const judgement = await profile.judge({
        claims,
        signingKey: signingKeyOf(configuration, tokens.id_token),
        userinfo: async () =>
          metadata.userinfo_endpoint === undefined
            ? undefined
            : fetchUserInfo(configuration, tokens.access_token, claims.sub),
      })
      if (judgement.kind !== 'identity') return judgement
      return { kind: 'identity', identity: { ...judgement.identity, provider: id } }
    } catch (error) {
      const outage = requests.outage()
      return outage === undefined ? describeOpenidFailure(error) : unavailable(outage)
    }
  }

  return {
    kind: 'redirect',
    id,
    label,
    start: async (redirectUri) => {
      const found = await source()
      if (!found.ok) {
        const cause = new Error(`the metadata could not be used: ${found.reason}`)
        throw new IssuerUnavailableError(issuers[0] ?? discovery, RETRY_AFTER_SECONDS, { cause })
      }
      const { metadata } = found
      const state: RedirectState = {
        provider: id,
        state: randomState(),
        nonce: randomNonce(),
        codeVerifier: randomPKCECodeVerifier(),
      }
      const configuration = await configureOpenidClient(profile, metadata, now)
      const url = buildAuthorizationUrl(configuration, {
        ...profile.authorizationParameters,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: profile.scopes.join(' '),
        state: state.state,
        nonce: state.nonce,
        code_challenge: await calculatePKCECodeChallenge(state.codeVerifier),
        code_challenge_method: 'S256',
      })
      return { url, state }
    },
    finish: async (callbackUrl, state) => {
      if (state.provider !== id) return invalid('other_provider')
      if (callbackUrl.href.length > MAX_CALLBACK_LENGTH) return invalid('answer_too_long')
      const states = callbackUrl.searchParams.getAll('state')
      // Before any request: a forged answer costs the upstream nothing.
      if (states.length !== 1 || states[0] !== state.state) return invalid('state')
      try {
        return await withDeadline(
          timeoutMilliseconds,
          (signal) => exchange(callbackUrl, state, signal),
          () => unavailable('timeout'),
        )
      } catch {
        return unavailable('internal_error')
      }
    },
  }
}
