import { startAuth } from './auth.js'
import { openDatabase } from './database.js'
import { openGithub } from './github.js'
import { createMcpServer } from './mcp-server.js'
import { type RunningServer, serve } from './serve.js'
import type { Settings } from './settings.js'
import { createStore } from './store.js'

/** Puts the server together and lets it listen. */
export async function startServer(settings: Settings): Promise<RunningServer> {
  // The sign-in and the store share one pool of connections.
  const sealed = openDatabase(settings)
  const store = createStore(sealed)
  const github = openGithub(settings, store)
  const auth = await startAuth(settings, sealed)
  return await serve(settings, {
    auth: auth.handlers,
    createMcpServer: () => createMcpServer(settings, github),
    close: async () => {
      await auth.close()
      await store.close()
      await sealed.database.close()
    },
  })
}
