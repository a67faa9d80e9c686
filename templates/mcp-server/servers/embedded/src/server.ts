import { startAuth } from './auth.js'
import { openDatabase } from './database.js'
import { createMcpServer } from './mcp-server.js'
import { type RunningServer, serve } from './serve.js'
import type { Settings } from './settings.js'

/** Puts the server together and lets it listen. */
export async function startServer(settings: Settings): Promise<RunningServer> {
  const sealed = openDatabase(settings)
  const auth = await startAuth(settings, sealed)
  return await serve(settings, {
    auth: auth.handlers,
    createMcpServer: () => createMcpServer(settings),
    close: async () => {
      await auth.close()
      await sealed.database.close()
    },
  })
}
