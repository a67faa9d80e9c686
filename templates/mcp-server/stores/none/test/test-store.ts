import type { Environment } from '../src/settings.js'

/** Variables with which the whole server starts in a test. */
export async function startTestStore(): Promise<{ env: Environment; close(): Promise<void> }> {
  return { env: {}, close: async () => {} }
}
