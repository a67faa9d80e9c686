import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { afterEach, expect, it } from 'vitest'
import { createDataFolder } from './support/data-folder.js'
import { callTool } from './support/http-calls.js'
import { startStandIn } from './support/stand-in.js'
import { createCleanup, startTestServer } from './support/test-server.js'

const { add, run } = createCleanup()
afterEach(run)

it('CODA_CREDENTIALS=service: a revoked token is marked for all callers until its file has another one', async () => {
  const [ann, bob] = await Promise.all([generateBearerToken(), generateBearerToken()])
  const revoked = new Set<string>()
  const coda = add(await startStandIn({ acceptsToken: (token) => !revoked.has(token) }))
  const folder = add(createDataFolder())
  const file = join(folder.path, 'coda-token')
  writeFileSync(file, 'canary-first')
  const server = add(
    await startTestServer({
      MCP_BEARER_TOKENS: `ann:${ann.digest},bob:${bob.digest}`,
      CODA_API_TOKEN_FILE: file,
      CODA_API_BASE_URL: coda.baseUrl,
    }),
  )
  const whoami = async ({ token }: { readonly token: string }): Promise<string> =>
    await (await callTool(server.resource, token, 'coda_whoami')).text()
  expect(await whoami(ann)).toContain('structuredContent')

  // One refusal alone may have reasons of its own: Coda still takes the token that all share.
  coda.faults.next({ kind: 'status', status: 401 })
  expect(await whoami(ann)).toContain('coda_unauthorized')
  expect(await whoami(bob)).toContain('structuredContent')
  expect(server.log.join('')).not.toContain('it is marked')

  revoked.add('canary-first')
  const calls = coda.received.length
  expect(await whoami(ann)).toContain('coda_unauthorized')
  // Nobody but the operator can help, and Coda has been asked twice.
  expect(await whoami(bob)).toContain('Ask the operator of this server to replace it')
  expect(coda.received).toHaveLength(calls + 2)
  expect(server.log.join('')).toContain('it is marked and has to be replaced')

  writeFileSync(file, 'canary-second')
  await expect.poll(() => whoami(bob), { timeout: 10_000 }).toContain('structuredContent')
  expect(coda.received.at(-1)?.headers.authorization).toBe('Bearer canary-second')
  expect(server.log.join('')).not.toContain('canary')
})
