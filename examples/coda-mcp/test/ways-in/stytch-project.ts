import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'

/** Only keys are taken from it: nobody asks it anything. */
const unheard = 'http://127.0.0.1:9'

/** A Stytch project as its documentation describes it, with keys of our own. */
export interface StytchProject {
  readonly domain: string
  readonly projectId: string
  readonly env: Readonly<Record<string, string>>
  /** Answers of the project's domain, by URL. */
  readonly pages: Readonly<Record<string, () => Promise<string>>>
  /** An access token of a Connected App, issued to a member of an organisation. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>
  /** The same claims, signed by a key that the project does not publish. */
  forgedToken(): Promise<string>
}

const organizationClaim = 'https://stytch.com/organization'

/** Creates a project. Organisations are `organization-test-ann` and so on, for a claim `sub`. */
export function createStytchProject(domain = 'login.example.com'): StytchProject {
  const projectId = 'project-test-00000000-0000-4000-8000-000000000000'
  const issuer = `https://${domain}`
  const signer = (): TestIssuer => createTestIssuer({ issuer: unheard, audience: projectId })
  const keys = signer()

  function claimsOf(claims: Readonly<Record<string, unknown>>) {
    const { name = 'ann', ...rest } = claims
    return {
      iss: issuer,
      sub: `member-test-${String(name)}`,
      aud: [projectId],
      client_id: 'connected-app-test-1',
      scope: 'openid coda.read coda.write',
      nbf: Math.floor(Date.now() / 1_000),
      [organizationClaim]: { organization_id: `organization-test-${String(name)}`, slug: name },
      ...rest,
    }
  }
  const header = { typ: 'JWT' }
  const metadata = async (): Promise<string> =>
    JSON.stringify({
      issuer,
      // A page of the operator's own application, which holds Stytch's component.
      authorization_endpoint: 'https://app.example.com/oauth/authorize',
      token_endpoint: `${issuer}/v1/oauth2/token`,
      registration_endpoint: `${issuer}/v1/oauth2/register`,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'none'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access', 'coda.read', 'coda.write'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    })
  return {
    domain,
    projectId,
    env: { STYTCH_PROJECT_ID: projectId, STYTCH_DOMAIN: domain },
    pages: {
      [`${issuer}/.well-known/jwks.json`]: async () =>
        JSON.stringify({ keys: await keys.keys.published() }),
      [`${issuer}/.well-known/oauth-authorization-server`]: metadata,
      [`${issuer}/.well-known/openid-configuration`]: metadata,
    },
    token: async (claims = {}) => await keys.token(claimsOf(claims), { header }),
    forgedToken: async () => await signer().token(claimsOf({}), { header }),
  }
}
