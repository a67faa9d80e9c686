import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'
import { CONFIDENTIAL_SECRET } from '../confidential-client.mjs'

const SCOPE = 'coda.read coda.write'

const CLIENT = {
  redirect_uris: ['https://app.test/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
}

const PUBLIC_CLIENT = { ...CLIENT, client_id: 'bench', token_endpoint_auth_method: 'none' }

/**
 * oidc-provider as its documentation starts it: memory adapter, its own pages to sign in. With an adapter of
 * the caller the public client is not in its code, but to be put into that.
 */
export function createProvider({ origin, resource }, { adapter } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }
  const provider = new Provider(origin, {
    ...(adapter && { adapter }),
    clients: [
      ...(adapter ? [] : [PUBLIC_CLIENT]),
      {
        ...CLIENT,
        client_id: 'bench-confidential',
        client_secret: CONFIDENTIAL_SECRET,
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    jwks: { keys: [jwk] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    expiresWithSession: async () => false,
    features: {
      introspection: { enabled: true, allowedPolicy: async () => true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        // It introspects opaque tokens only.
        getResourceServerInfo: (_ctx, _indicator, client) => ({
          scope: SCOPE,
          audience: resource,
          accessTokenTTL: 3600,
          ...(client.clientId === 'bench'
            ? { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }
            : { accessTokenFormat: 'opaque' }),
        }),
        useGrantedResource: () => true,
      },
    },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
  })
  return { handler: provider.callback(), publicKey, client: PUBLIC_CLIENT }
}

export const create = async (place) => createProvider(place).handler
