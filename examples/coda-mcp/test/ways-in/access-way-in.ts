import type { AccessEdge } from './access-edge.js'
import { startAccessEdge } from './access-edge.js'
import type { AccessTeam } from './access-team.js'
import type { Asked, Fault, WayIn } from './way-in.js'

/** Claims of an assertion with one fault. */
const faults = {
  expired: { exp: Math.floor(Date.now() / 1_000) - 3_600 },
  'of another audience': { aud: ['b'.repeat(64)] },
  'of another issuer': { iss: 'https://evil.cloudflareaccess.com' },
  'of another signer': { forged: true },
} as const satisfies Record<Fault, object>

/** Access knows no scopes: the server says what its callers may do. */
const common = {
  provider: 'cloudflare-access',
  oauthCompliant: true,
  impossible: {},
  canStepUp: false,
  readOnlyEnv: { GRANTED_SCOPES: 'coda.read' },
  lists: [
    { env: { ALLOWED_EMAILS: 'ann@example.com' }, admits: { ann: true, eve: false } },
    { env: { ALLOWED_DOMAINS: 'example.com' }, admits: { ann: true, eve: false } },
  ],
} as const

interface Parts {
  readonly team: AccessTeam
  readonly outage: NonNullable<WayIn['outage']>
}

/** Access in front of the server: requests come with its assertion, and nobody signs in at the server. */
export function accessInFront({ team, outage }: Parts): WayIn {
  const header = (assertion: string) => ({ 'cf-access-jwt-assertion': assertion })
  return {
    ...common,
    title: 'Cloudflare Access in front',
    env: () => team.env,
    // Its sign-in page is in front of everything, for browsers; clients are sent nowhere from here.
    discovery: async () => ({ authorizationServers: [] }),
    challenge: 'bare',
    credential: async (_, { name = 'ann' }: Asked = {}) => header(await team.assertion({ name })),
    faulty: async (_, fault) => {
      if (fault === 'of another signer') return header(await team.forgedAssertion())
      return header(await team.assertion(faults[fault]))
    },
    outage,
  }
}

/** Access with Managed OAuth: clients sign in at the edge, by tokens that only the edge can read. */
export function accessAtTheEdge(
  { team, outage }: Parts,
  add: (edge: AccessEdge) => AccessEdge,
): WayIn {
  const edges = new Map<string, Promise<AccessEdge>>()
  async function edgeOf(url: string): Promise<AccessEdge> {
    const running = edges.get(url) ?? startAccessEdge(team, url).then(add)
    edges.set(url, running)
    return await running
  }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  return {
    ...common,
    title: 'Cloudflare Access does OAuth at the edge',
    env: () => team.env,
    resource: async ({ url }) => `${(await edgeOf(url)).origin}/mcp`,
    discovery: async ({ url }) => {
      const { origin } = await edgeOf(url)
      const metadataPath = '/.well-known/cloudflare-access-protected-resource/mcp'
      return { authorizationServers: [origin], origin, metadataPath }
    },
    challenge: 'of the edge',
    credential: async ({ url }, { name = 'ann' }: Asked = {}) =>
      bearer((await edgeOf(url)).token({ name })),
    faulty: async ({ url }, fault) => bearer((await edgeOf(url)).token(faults[fault])),
    outage,
  }
}
