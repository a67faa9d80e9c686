import type { CodaMcpConfig } from './config.js'

/** What a person who started the server with nothing configured needs to know. */
export function formatFirstRun(config: CodaMcpConfig, token: string, version: string): string {
  const { resource, sampleCoda } = config
  return `
coda-mcp ${version} serves ${resource}
${sampleCoda ? 'Its tools work on sample docs; set CODA_API_TOKEN to use your own.\n' : ''}
Nothing is configured, so a built-in issuer signs in everybody who reaches this machine's loopback
address. Add the URL above to an MCP client, or call it with this token, which is valid for a day:

curl ${resource} \\
  -H 'Authorization: Bearer ${token}' \\
  -H 'Content-Type: application/json' \\
  -H 'Accept: application/json, text/event-stream' \\
  -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'

To let others in, configure a way in: see examples/coda-mcp/README.md.
`
}
