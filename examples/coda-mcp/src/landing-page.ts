import { createHash } from 'node:crypto'
import { type Request, type Response, Router } from 'express'
import { escapeHtml } from './escape-html.js'

/** What the page tells. */
export interface LandingPageOptions {
  /** The URL that clients are given. */
  readonly connectorUrl: string
  /** Whether clients can sign in by OAuth; otherwise a token has to be configured in them. */
  readonly oauth: boolean
}

const css = `
:root { color-scheme: light dark; --text: #1d2430; --back: #fff; --soft: #f2f4f7; --line: #c5cbd5; --link: #0b5cad }
@media (prefers-color-scheme: dark) {
  :root { --text: #e7eaf0; --back: #14181f; --soft: #1f2530; --line: #4b5566; --link: #8ec2ff }
}
body { margin: 0 auto; max-width: 44rem; padding: 2rem 1.25rem; font: 1rem/1.6 system-ui, sans-serif; color: var(--text); background: var(--back) }
h1 { font-size: 1.6rem; line-height: 1.25 }
h2 { font-size: 1.15rem; margin-top: 2rem }
code { font-family: ui-monospace, monospace; font-size: .95em; overflow-wrap: anywhere }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem 1rem; white-space: pre-wrap }
a { color: var(--link) }
`

const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(css).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

function block(text: string): string {
  return `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>`
}

const placeholder = 'Bearer <your token>'

function webClients(oauth: boolean): string {
  if (!oauth) {
    return `<h2>ChatGPT and Claude</h2>
<p>They sign in by OAuth, which this server does not offer: it accepts fixed tokens only. Use one of the clients below.</p>`
  }
  return `<h2>ChatGPT</h2>
<p>Turn on developer mode under Settings, Apps, Advanced settings. Then create an app, paste the URL as its MCP server address and choose OAuth.</p>
<h2>Claude</h2>
<p>Under Settings, Connectors, choose “Add custom connector”, paste the URL and sign in.</p>`
}

/** Renders the page that explains how to add this server to a client. */
function renderLandingPage({ connectorUrl, oauth }: LandingPageOptions): string {
  const headers = oauth ? {} : { headers: { Authorization: placeholder } }
  const header = oauth ? '' : ` --header "Authorization: ${placeholder}"`
  const cursor = { mcpServers: { coda: { url: connectorUrl, ...headers } } }
  const code = { servers: { coda: { type: 'http', url: connectorUrl, ...headers } } }
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Coda MCP server</title>
<link rel="icon" href="data:,">
<style>${css}</style>
</head>
<body>
<main>
<h1>Coda MCP server</h1>
<p>Lets an AI assistant read and change Coda docs. Add it to your assistant by this URL:</p>
${block(connectorUrl)}
${webClients(oauth)}
<h2>Claude Code</h2>
${block(`claude mcp add --transport http coda ${connectorUrl}${header}`)}
<h2>Cursor</h2>
<p>In <code>~/.cursor/mcp.json</code>:</p>
${block(JSON.stringify(cursor, null, 2))}
<h2>VS Code</h2>
<p>In <code>.vscode/mcp.json</code>:</p>
${block(JSON.stringify(code, null, 2))}
</main>
</body>
</html>
`
}

/** `GET /` is the page; `POST /` names the URL that the client should have been given. */
export function createLandingPage(options: LandingPageOptions): Router {
  const page = renderLandingPage(options)
  const router = Router()
  router.get('/', (_request: Request, response: Response) => {
    response
      .set({
        'content-security-policy': contentSecurityPolicy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      })
      .type('html')
      .send(page)
  })
  router.post('/', (_request: Request, response: Response) => {
    response.status(404).json({
      error: 'not_found',
      error_description: `The MCP endpoint is ${options.connectorUrl}`,
    })
  })
  return router
}
