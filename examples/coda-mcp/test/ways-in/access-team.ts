import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'

/** Only keys are taken from it: nobody asks it anything. */
const unheard = 'http://127.0.0.1:9'

/** A team at Cloudflare Access with one application, as its documentation describes it. */
export interface AccessTeam {
  readonly issuer: string
  readonly audience: string
  readonly env: Readonly<Record<string, string>>
  /** Answers of the team's domain, by URL. */
  readonly pages: Readonly<Record<string, () => Promise<string>>>
  /** What Access puts into `Cf-Access-Jwt-Assertion` for a person. */
  assertion(claims?: Readonly<Record<string, unknown>>): Promise<string>
  forgedAssertion(): Promise<string>
}

export function createAccessTeam(): AccessTeam {
  const issuer = 'https://acme.cloudflareaccess.com'
  const audience = 'a'.repeat(64)
  const signer = (): TestIssuer => createTestIssuer({ issuer: unheard, audience })
  const keys = signer()
  const header = { typ: 'JWT' }
  function claimsOf({ name = 'ann', ...rest }: Readonly<Record<string, unknown>>) {
    return {
      iss: issuer,
      aud: [audience],
      type: 'app',
      sub: `id-of-${String(name)}`,
      email: `${String(name)}@${name === 'ann' ? 'example.com' : 'evil.example'}`,
      nbf: Math.floor(Date.now() / 1_000),
      identity_nonce: '6ei69kawdKzMIAPF',
      country: 'DE',
      // Assertions name neither a client nor scopes.
      client_id: undefined,
      scope: undefined,
      ...rest,
    }
  }
  return {
    issuer,
    audience,
    env: { CF_ACCESS_TEAM_DOMAIN: 'acme', CF_ACCESS_AUD: audience },
    pages: {
      [`${issuer}/cdn-cgi/access/certs`]: async () =>
        JSON.stringify({ keys: await keys.keys.published(), public_certs: [] }),
    },
    assertion: async (claims = {}) => await keys.token(claimsOf(claims), { header }),
    forgedAssertion: async () => await signer().token(claimsOf({}), { header }),
  }
}
