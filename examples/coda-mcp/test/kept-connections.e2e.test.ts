import { afterAll, describe, expect, it } from 'vitest'
import { createCleanup, startTestServer } from './support/test-server.js'

const { add, run } = createCleanup()
afterAll(run)

/** Idle connections of the proxies that guides name: Traefik and cloudflared, in seconds. */
const proxySeconds = 90

describe('connections without requests', () => {
  it('are kept longer than proxies keep theirs, so that no request meets their end', async () => {
    const server = add(
      await startTestServer({
        MCP_BEARER_TOKENS: `ci:sha256:${'0f'.repeat(32)}`,
        CODA_API_TOKEN: 'canary-coda',
      }),
    )
    const { headers } = await fetch(`${server.url}/health/live`)
    const [, seconds] = /timeout=(\d+)/.exec(headers.get('keep-alive') ?? '') ?? []
    expect(Number(seconds)).toBeGreaterThan(proxySeconds)
  })
})
