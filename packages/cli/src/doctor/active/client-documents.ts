import type { ClientId } from '../check.js'

/** A client whose id is the URL of a document about it. */
export interface ClientDocument {
  readonly id: string
  readonly name: string
  readonly client: ClientId
  /** One of the redirect URIs in the document. */
  readonly redirectUri: string
  /** Whether the client runs at its vendor. */
  readonly isHosted: boolean
}

/** Documents of clients, as their vendors published them in 2026-08. */
export const CLIENT_DOCUMENTS: readonly ClientDocument[] = [
  {
    id: 'https://chatgpt.com/oauth/client.json',
    name: 'ChatGPT',
    client: 'chatgpt',
    redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
    isHosted: true,
  },
  {
    id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
    name: 'Claude',
    client: 'claude',
    redirectUri: 'https://claude.ai/api/mcp/auth_callback',
    isHosted: true,
  },
  {
    id: 'https://claude.ai/oauth/claude-code-client-metadata',
    name: 'Claude Code',
    client: 'claude-code',
    redirectUri: 'http://localhost/callback',
    isHosted: false,
  },
  {
    id: 'https://vscode.dev/oauth/client-metadata.json',
    name: 'VS Code',
    client: 'vscode',
    redirectUri: 'https://vscode.dev/redirect',
    isHosted: false,
  },
]
