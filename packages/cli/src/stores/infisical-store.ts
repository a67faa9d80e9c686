import type { CommandContext } from '../command.js'
import type { InfisicalSettings } from '../configuration/store-settings.js'
import type { OpenStore } from './open-store.js'

/**
 * How long one listing serves reads, in seconds: long enough for the limits of Infisical's cloud, short
 * enough for decisions about what other people wrote.
 */
const LIST_TTL = 5

// A person waits longer than a request does, and the first answer includes loading the client.
const DEADLINES = { readDeadlineMilliseconds: 15_000, writeDeadlineMilliseconds: 30_000 }

/** Opens Infisical with the machine identity of the settings. */
export async function openInfisicalStore(
  { host }: CommandContext,
  settings: InfisicalSettings,
): Promise<OpenStore> {
  // Loaded when it is used: its client is by far the largest thing that this program can load.
  const { infisicalTokenStore } = await import('@bestviable/mcp-auth-store-infisical')
  const { kind: _kind, clientId, clientSecret, ...site } = settings
  const store = infisicalTokenStore({
    ...site,
    auth: { method: 'universal', clientId, clientSecret },
    listTtlSeconds: LIST_TTL,
    ...DEADLINES,
    now: host.now,
  })
  return { settings, store, close: () => store.close() }
}
