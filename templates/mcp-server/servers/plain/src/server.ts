import { createAuth } from './auth.js'
import { createMcpServer } from './mcp-server.js'
import { type RunningServer, serve } from './serve.js'
import type { Settings } from './settings.js'

/** Puts the server together and lets it listen. */
export async function startServer(settings: Settings): Promise<RunningServer> {
  return await serve(settings, {
    auth: [createAuth(settings)],
    createMcpServer: () => createMcpServer(settings),
  })
}
