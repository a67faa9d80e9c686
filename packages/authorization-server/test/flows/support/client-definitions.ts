import { REGISTRATION_BODIES } from '../../clients/registration-bodies.js'
import type { ClientDocument } from './outside-network.js'

/** Where a client says who it is. */
export type Registration =
  | { readonly kind: 'dynamic'; readonly body: Readonly<Record<string, unknown>> }
  | {
      readonly kind: 'document'
      readonly document: ClientDocument
      /** How it authenticates at the token endpoint. Default `none`. */
      readonly authentication?: 'private_key_jwt'
    }

/** What a client is told about scopes before it asks. */
export interface OfferedScopes {
  readonly challenge: string | undefined
  readonly resource: readonly string[]
  readonly server: readonly string[]
}

/** How a client behaves, as far as a server sees it. */
export interface ClientDefinition {
  readonly name: string
  /** Section of `providers-and-clients.md` that says so. */
  readonly source: string
  readonly registration: Registration
  readonly redirectUri: string
  /** What `scope` it sends; `undefined` sends none. */
  readonly scope: (offered: OfferedScopes) => string | undefined
  /** Further parameters of its authorization request. */
  readonly parameters?: Readonly<Record<string, string>>
  /** It asks for more scopes when a tool is refused for one. */
  readonly stepsUp: boolean
  /** It leaves `resource` out when it refreshes. */
  readonly omitsResourceOnRefresh?: boolean
  /** Two hosts of it refresh at the same time. */
  readonly refreshesTwice?: boolean
  /** Its requests come from a page of this origin. */
  readonly pageOrigin?: string
}

/** The challenge says what this operation needs, so it comes first (4.2 "Scope"). */
const fromChallenge = ({ challenge, resource }: OfferedScopes): string | undefined =>
  challenge ?? (resource.length > 0 ? resource.join(' ') : undefined)

/** SDK v2 and Claude add `offline_access` where the server lists it (4.1, 4.2). */
const withOfflineAccess = (offered: OfferedScopes): string =>
  [
    ...(fromChallenge(offered)?.split(' ') ?? []),
    ...offered.server.filter((scope) => scope === 'offline_access'),
  ].join(' ')

const fromResource = ({ resource }: OfferedScopes): string => resource.join(' ')

const GRANTS = ['authorization_code', 'refresh_token']

/** Keys of the ChatGPT documents. */
export const CHATGPT_KEYS = 'https://chatgpt.com/oauth/jwks.json'

const chatGpt = (path: string, redirectUri: string): ClientDocument => ({
  client_id: `https://chatgpt.com/oauth/${path}`,
  client_name: 'ChatGPT',
  client_uri: 'https://chatgpt.com/',
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  token_endpoint_auth_signing_alg: 'RS256',
  grant_types: GRANTS,
  response_types: ['code'],
  jwks_uri: CHATGPT_KEYS,
})

const publicDocument = (
  clientId: string,
  name: string,
  redirectUris: readonly string[],
  grants: readonly string[] = GRANTS,
): ClientDocument => ({
  client_id: clientId,
  client_name: name,
  redirect_uris: redirectUris,
  grant_types: grants,
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
})

const CLAUDE = publicDocument(
  'https://claude.ai/oauth/mcp-oauth-client-metadata',
  'Claude',
  ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
  [...GRANTS, 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
)
const CLAUDE_CODE = publicDocument(
  'https://claude.ai/oauth/claude-code-client-metadata',
  'Claude Code',
  ['http://localhost/callback', 'http://127.0.0.1/callback'],
)
const VS_CODE = publicDocument(
  'https://vscode.dev/oauth/client-metadata.json',
  'Visual Studio Code',
  ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
)
const CODEX = publicDocument('https://chatgpt.com/oauth/codex/client.json', 'Codex', [
  'http://127.0.0.1/callback',
  'http://localhost/callback',
])

const dynamic = (name: keyof typeof REGISTRATION_BODIES): Registration => ({
  kind: 'dynamic',
  body: REGISTRATION_BODIES[name],
})

/** The clients of criterion 3, each in every way in which it is documented to come. */
export const CLIENTS: readonly ClientDefinition[] = [
  {
    name: 'ChatGPT by document, as a public client',
    source: '4.1 row ChatGPT; 5 D16, D29',
    registration: {
      kind: 'document',
      document: chatGpt('client.json', 'https://chatgpt.com/connector_platform_oauth_redirect'),
    },
    redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
    scope: fromChallenge,
    stepsUp: true,
  },
  {
    name: 'ChatGPT by the document of one connector, with its key',
    source: '4.1 row ChatGPT; 5 D16',
    registration: {
      kind: 'document',
      document: chatGpt(
        'IbUR3zxyNQ16/client.json',
        'https://chatgpt.com/connector/oauth/IbUR3zxyNQ16',
      ),
      authentication: 'private_key_jwt',
    },
    redirectUri: 'https://chatgpt.com/connector/oauth/IbUR3zxyNQ16',
    scope: () => undefined,
    stepsUp: true,
  },
  {
    name: 'ChatGPT by registration, with OpenID scopes only',
    source: '4.1 row ChatGPT; authorization-server.md section 5',
    registration: dynamic('ChatGPT'),
    redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
    scope: () => 'openid email offline_access profile',
    stepsUp: false,
  },
  {
    name: 'Claude by document',
    source: '4.1 row Claude.ai; 5 D16, D17',
    registration: { kind: 'document', document: CLAUDE },
    redirectUri: 'https://claude.ai/api/mcp/auth_callback',
    scope: withOfflineAccess,
    stepsUp: true,
    refreshesTwice: true,
  },
  {
    name: 'Claude by registration',
    source: '4.1 row Claude.ai; 5 D18',
    registration: dynamic('Claude web'),
    redirectUri: 'https://claude.ai/api/mcp/auth_callback',
    scope: withOfflineAccess,
    stepsUp: true,
    refreshesTwice: true,
  },
  {
    name: 'Claude Code by document',
    source: '4.1 row Claude Code; 4.2 v2; 5 D14',
    registration: { kind: 'document', document: CLAUDE_CODE },
    redirectUri: 'http://localhost:54545/callback',
    scope: withOfflineAccess,
    parameters: { prompt: 'consent' },
    stepsUp: true,
  },
  {
    name: 'Claude Code by registration',
    source: '4.1 row Claude Code; 4.2 v2',
    registration: dynamic('Claude Code'),
    redirectUri: 'http://localhost:54545/callback',
    scope: withOfflineAccess,
    parameters: { prompt: 'consent' },
    stepsUp: true,
  },
  {
    name: 'Cursor',
    source: '4.1 row Cursor; 5 D13',
    registration: dynamic('Cursor'),
    redirectUri: 'cursor://anysphere.cursor-mcp/oauth/callback',
    scope: fromResource,
    stepsUp: true,
  },
  {
    name: 'VS Code by document, to a loopback port of its own',
    source: '4.1 row VS Code; 4.3; 5 D14',
    registration: { kind: 'document', document: VS_CODE },
    redirectUri: 'http://127.0.0.1:49152/',
    scope: fromChallenge,
    stepsUp: true,
  },
  {
    name: 'VS Code by registration, to loopback',
    source: '4.1 row VS Code; 4.3; 5 D13, D14',
    registration: dynamic('VS Code'),
    redirectUri: 'http://127.0.0.1:33418/',
    scope: fromChallenge,
    stepsUp: true,
  },
  {
    name: 'VS Code by registration, to https',
    source: '4.1 row VS Code; 4.3; 5 D13',
    registration: dynamic('VS Code'),
    redirectUri: 'https://vscode.dev/redirect',
    scope: fromChallenge,
    stepsUp: true,
  },
  {
    name: 'Inspector in a browser',
    source: '4.1 row MCP Inspector; 5 D23',
    registration: dynamic('Inspector web'),
    redirectUri: 'http://localhost:6274/oauth/callback',
    scope: withOfflineAccess,
    parameters: { prompt: 'consent' },
    stepsUp: true,
    pageOrigin: 'http://localhost:6274',
  },
  {
    name: 'Inspector in a terminal',
    source: '4.1 row MCP Inspector',
    registration: dynamic('Inspector CLI'),
    redirectUri: 'http://127.0.0.1:6276/oauth/callback',
    scope: withOfflineAccess,
    parameters: { prompt: 'consent' },
    stepsUp: true,
  },
  {
    name: 'Codex by document',
    source: '4.1 row Codex; 5 D14',
    registration: { kind: 'document', document: CODEX },
    redirectUri: 'http://127.0.0.1:41999/callback',
    scope: fromResource,
    stepsUp: true,
  },
  {
    name: 'Codex by registration, without resource when it refreshes',
    source: '4.1 row Codex; 5 D14',
    registration: dynamic('Codex'),
    redirectUri: 'http://localhost:41999/callback',
    scope: fromResource,
    stepsUp: true,
    omitsResourceOnRefresh: true,
  },
]
