import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import type { Github } from '../github.js'

const Account = z.object({ login: z.string() })

/** Names the GitHub account of this server. Put the API that your tools need in its place. */
export function registerGithubAccount(server: McpServer, github: Github): void {
  server.registerTool(
    'github_account',
    {
      title: 'GitHub account',
      description: 'Names the GitHub account that this server works with.',
      outputSchema: Account,
      annotations: { readOnlyHint: true, openWorldHint: true },
    },
    async (ctx) => {
      const { signal } = ctx.mcpReq
      // A credential of the store. What the caller has sent to this server never travels on.
      const { secret } = await github.credentials.for(ctx.http?.authInfo, { signal })
      const response = await fetch(`${github.apiUrl}/user`, {
        headers: { authorization: `Bearer ${secret}`, 'user-agent': 'mcp-server' },
        signal,
      })
      if (!response.ok) throw new Error(`GitHub answered ${response.status}`)
      const account = Account.parse(await response.json())
      return {
        content: [{ type: 'text', text: `This server is ${account.login} at GitHub.` }],
        structuredContent: account,
      }
    },
  )
}
