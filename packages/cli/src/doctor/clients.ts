/** AI clients that the checks speak of. */
export const CLIENT_IDS = [
  'chatgpt',
  'claude',
  'claude-code',
  'cursor',
  'vscode',
  'inspector',
  'mcp-remote',
] as const

/** One AI client. `claude` stands for its web, desktop and mobile apps, which connect from a server. */
export type ClientId = (typeof CLIENT_IDS)[number]

/** Names of the clients for people. */
export const CLIENT_NAMES: Readonly<Record<ClientId, string>> = {
  chatgpt: 'ChatGPT',
  claude: 'Claude',
  'claude-code': 'Claude Code',
  cursor: 'Cursor',
  vscode: 'VS Code',
  inspector: 'MCP Inspector',
  'mcp-remote': 'mcp-remote',
}
