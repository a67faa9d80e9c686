import { createAuth } from './auth.js'
import { openGithub } from './github.js'
import { createMcpServer } from './mcp-server.js'
import { type RunningServer, serve } from './serve.js'
import type { Settings } from './settings.js'
import { createStore } from './store.js'

/** Puts the server together and lets it listen. */
export async function startServer(settings: Settings): Promise<RunningServer> {
  const auth = createAuth(settings)
  const store = createStore(settings)
  await store.check()
  const github = openGithub(settings, store)
  return await serve(settings, {
    auth: [auth],
    createMcpServer: () => createMcpServer(settings, github),
    close: () => store.close(),
  })
}
