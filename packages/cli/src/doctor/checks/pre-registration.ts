import type { ClientId } from '../check.js'

/** What to register by hand for each client. */
const INSTRUCTIONS: Readonly<Record<ClientId, string>> = {
  chatgpt:
    'ChatGPT: redirect URI https://chatgpt.com/connector_platform_oauth_redirect where iss is advertised (DR-29), else the one that the connector shows; enter id and secret there',
  claude:
    'Claude: redirect URIs https://claude.ai/api/mcp/auth_callback and https://claude.com/api/mcp/auth_callback; enter id and secret in the advanced settings of the connector',
  'claude-code':
    'Claude Code: redirect URI http://localhost:<port>/callback, with claude mcp add --client-id <id> --callback-port <port>',
  cursor:
    'Cursor: redirect URIs cursor://anysphere.cursor-mcp/oauth/callback, https://www.cursor.com/agents/mcp/oauth/callback and http://localhost:8787/callback',
  vscode:
    'VS Code: redirect URIs http://127.0.0.1:33418/ and https://vscode.dev/redirect; it asks for the client id',
  inspector:
    'MCP Inspector: redirect URI http://localhost:6274/oauth/callback, and http://127.0.0.1:6276/oauth/callback for its command line with --client-id',
  'mcp-remote':
    'mcp-remote: redirect URI http://localhost:<port>/oauth/callback, with the client given in --static-oauth-client-info',
}

/** How to register clients by hand: one, or all of them. */
export function preRegistration(client: ClientId | undefined): readonly string[] {
  return client === undefined ? Object.values(INSTRUCTIONS) : [INSTRUCTIONS[client]]
}
