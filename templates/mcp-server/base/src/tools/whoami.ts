import { principalOf } from '@bestviable/mcp-auth-middleware'
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'

/** Tells callers who they are to this server. */
export function registerWhoami(server: McpServer): void {
  server.registerTool(
    'whoami',
    {
      title: 'Who am I',
      description: 'Tells who you are to this server.',
      outputSchema: z.object({ issuer: z.string(), subject: z.string() }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    (ctx) => {
      const caller = principalOf(ctx.http?.authInfo)
      if (caller === undefined) throw new Error('the guard in front of this server is missing')
      const { issuer, subject, email } = caller
      return {
        content: [{ type: 'text', text: `You are ${email ?? subject}, says ${issuer}.` }],
        structuredContent: { issuer, subject },
      }
    },
  )
}
