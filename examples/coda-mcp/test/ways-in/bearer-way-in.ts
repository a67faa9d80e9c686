import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import type { WayIn } from './way-in.js'

/** Fixed tokens, which the server knows by their digest. */
export async function localBearerTokens(): Promise<WayIn> {
  const [ann, eve, reader, stranger] = await Promise.all(
    Array.from({ length: 4 }, () => generateBearerToken()),
  )
  if (!ann || !eve || !reader || !stranger) throw new Error('no tokens')
  const header = ({ token }: { readonly token: string }) => ({ authorization: `Bearer ${token}` })
  const byName = { ann, eve }
  const noClaims = 'a fixed token says nothing about itself: it is listed or it is not'
  return {
    title: 'local Bearer',
    provider: 'local-bearer',
    oauthCompliant: false,
    env: () => ({
      MCP_BEARER_TOKENS: [
        `ann:${ann.digest}:coda.write`,
        `eve:${eve.digest}:coda.write`,
        `reader:${reader.digest}:coda.read`,
      ].join(','),
    }),
    discovery: async () => ({ authorizationServers: [] }),
    challenge: 'bare',
    credential: async (_, { name = 'ann', scope } = {}) =>
      header(scope === 'coda.read' ? reader : byName[name]),
    impossible: {
      expired: 'a fixed token ends when its digest is taken off the list',
      'of another audience': noClaims,
      'of another issuer': noClaims,
    },
    faulty: async () => header(stranger),
    canStepUp: false,
    // Each was handed out by name, which is what admits it.
    lists: [
      { env: { ALLOWED_EMAILS: 'ann@example.com' }, admits: { ann: true, eve: true } },
      { env: { ALLOWED_TENANTS: 'organization-test-ann' }, admits: { ann: true, eve: true } },
    ],
  }
}
