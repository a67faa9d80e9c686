import { createAuth } from './auth.js'
import { openDatabase } from './database.js'
import { openGithub } from './github.js'
import { createMcpServer } from './mcp-server.js'
import { type RunningServer, serve } from './serve.js'
import type { Settings } from './settings.js'
import { createStore } from './store.js'

/** Puts the server together and lets it listen. */
export async function startServer(settings: Settings): Promise<RunningServer> {
  const auth = createAuth(settings)
  const sealed = openDatabase(settings)
  const store = createStore(sealed)
  await store.check()
  const github = openGithub(settings, store)
  return await serve(settings, {
    auth: [auth],
    createMcpServer: () => createMcpServer(settings, github),
    close: async () => {
      await store.close()
      await sealed.database.close()
    },
  })
}
