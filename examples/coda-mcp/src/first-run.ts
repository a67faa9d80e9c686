import type { CodaMcpConfig } from './config.js'

/** What a person who started the server with nothing configured needs to know. */
export function formatFirstRun(config: CodaMcpConfig, token: string, version: string): string {
  const { resource, publicUrl, sampleCoda, dataDir } = config
  return `
coda-mcp ${version} serves ${resource}
${sampleCoda ? 'Its tools work on sample docs; set CODA_API_TOKEN to use your own.\n' : ''}
Connect an assistant; it opens a sign-in page in your browser:

  Claude Code     claude mcp add --transport http coda ${resource}
  MCP Inspector   npx @modelcontextprotocol/inspector
                  Transport "Streamable HTTP", URL ${resource}
  others          ${publicUrl} says how

Nothing is configured, so this is a development sign-in: everybody on this machine comes in, without a
password. What it keeps is in ${dataDir}.

Or call it right away, with a token that works until this server ends:

curl ${resource} \\
  -H 'Authorization: Bearer ${token}' \\
  -H 'Content-Type: application/json' \\
  -H 'Accept: application/json, text/event-stream' \\
  -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'

To let others in, configure a way in: see examples/coda-mcp/README.md.
`
}
