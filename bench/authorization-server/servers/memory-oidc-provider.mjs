import { createStorage } from '../memory-storage.mjs'
import { createProvider } from './oidc-provider.mjs'

/** oidc-provider with the storage that ours has in `memory-ours.mjs` as its adapter, its client in there. */
export async function create(place) {
  const storage = createStorage()
  const { handler, client } = createProvider(place, { adapter: (model) => storage.records(model) })
  await storage.records('Client').upsert(client.client_id, client)
  return handler
}
