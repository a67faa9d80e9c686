import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'

const SCOPE = 'coda.read coda.write'

/** oidc-provider as its documentation starts it: memory adapter, its own pages to sign in. */
export function createProvider({ origin, resource }) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }
  const provider = new Provider(origin, {
    clients: [
      {
        client_id: 'bench',
        redirect_uris: ['https://app.test/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [jwk] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    expiresWithSession: async () => false,
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        getResourceServerInfo: () => ({
          scope: SCOPE,
          audience: resource,
          accessTokenTTL: 3600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
        useGrantedResource: () => true,
      },
    },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
  })
  return { handler: provider.callback(), publicKey }
}

export const create = async (place) => createProvider(place).handler
