import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import type { StytchProject } from './stytch-project.js'
import type { Name, WayIn } from './way-in.js'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const anHourAgo = () => Math.floor(Date.now() / 1_000) - 3_600

/** Tokens of Stytch Connected Apps. They carry no address, so that organisations admit. */
export function stytchConnectedApps(
  project: StytchProject,
  outage: NonNullable<WayIn['outage']>,
): WayIn {
  const wrong = {
    expired: () => project.token({ exp: anHourAgo() }),
    'of another audience': () => project.token({ aud: ['project-test-of-somebody-else'] }),
    'of another issuer': () => project.token({ iss: 'https://evil.customers.stytch.dev' }),
    'of another signer': () => project.forgedToken(),
  }
  return {
    title: 'Stytch',
    provider: 'stytch',
    oauthCompliant: true,
    env: () => project.env,
    discovery: async () => ({ authorizationServers: [`https://${project.domain}`] }),
    challenge: 'metadata',
    credential: async (_, { name = 'ann', scope } = {}) =>
      bearer(await project.token({ name, ...(scope === undefined ? {} : { scope }) })),
    impossible: {},
    faulty: async (_, fault) => bearer(await wrong[fault]()),
    canStepUp: true,
    lists: [
      { env: { ALLOWED_TENANTS: 'organization-test-ann' }, admits: { ann: true, eve: false } },
      // A server with such a list alone warns at its start.
      { env: { ALLOWED_EMAILS: 'ann@example.com' }, admits: { ann: false, eve: false } },
      { env: { ALLOWED_DOMAINS: 'example.com' }, admits: { ann: false, eve: false } },
    ],
    outage,
  }
}

/** Any OpenID provider whose access tokens are for this server. */
export function anyOidc(issuer: TestIssuer, audience: string): WayIn {
  const emails: Record<Name, string> = { ann: 'ann@example.com', eve: 'eve@evil.example' }
  const stranger = createTestIssuer({ issuer: issuer.issuer, algorithm: 'ES256', audience })
  const wrong = {
    expired: () => issuer.faulty('expired'),
    'of another audience': () => issuer.faulty('wrong-audience'),
    'of another issuer': () => issuer.faulty('wrong-issuer'),
    'of another signer': () => stranger.token(),
  }
  return {
    title: 'any OIDC',
    provider: 'oidc',
    oauthCompliant: true,
    env: () => ({ OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: audience }),
    discovery: async () => ({ authorizationServers: [issuer.issuer] }),
    challenge: 'metadata',
    credential: async (_, { name = 'ann', scope } = {}) =>
      bearer(
        await issuer.token({
          sub: name,
          email: emails[name],
          email_verified: true,
          ...(scope === undefined ? {} : { scope }),
        }),
      ),
    impossible: {},
    faulty: async (_, fault) => bearer(await wrong[fault]()),
    canStepUp: true,
    lists: [
      { env: { ALLOWED_EMAILS: 'ann@example.com' }, admits: { ann: true, eve: false } },
      { env: { ALLOWED_DOMAINS: 'example.com' }, admits: { ann: true, eve: false } },
    ],
    outage: {
      begin: () => issuer.respond('jwks', 'error-500'),
      end: () => issuer.respond('jwks', 'ok'),
      statuses: [503],
    },
  }
}
