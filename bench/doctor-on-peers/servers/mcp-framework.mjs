import { MCPServer, MCPTool, OAuthAuthProvider } from 'mcp-framework'
import { z } from 'zod'

const { PORT, RESOURCE, ISSUER, ISSUER_KEYS } = process.env

class ReadNote extends MCPTool {
  name = 'read_note'
  description = 'Read a note'
  schema = z.object({ id: z.string().describe('Id of the note') })

  async execute() {
    return ''
  }
}

const server = new MCPServer({
  name: 'notes',
  version: '1.0.0',
  transport: {
    type: 'http-stream',
    options: {
      port: Number(PORT),
      endpoint: '/mcp',
      auth: {
        provider: new OAuthAuthProvider({
          authorizationServers: [ISSUER],
          resource: RESOURCE,
          validation: {
            type: 'jwt',
            jwksUri: ISSUER_KEYS,
            audience: RESOURCE,
            issuer: ISSUER,
          },
        }),
        endpoints: { initialize: true, messages: true },
      },
    },
  },
})
server.addTool(ReadNote)
await server.start()
