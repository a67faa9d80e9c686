import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { type ChildServer, spawnServer } from './support/child-server.js'
import { createCleanup } from './support/cleanup.js'
import { createDataFolder } from './support/data-folder.js'
import { findFreePort } from './support/free-port.js'
import { callTool } from './support/http-calls.js'
import { openSession } from './support/mcp.js'
import { signIn } from './support/sign-in.js'

const { add, run } = createCleanup()
afterEach(run)

const whoami = async (resource: string, token: string): Promise<number> =>
  (await callTool(resource, token, 'coda_whoami')).status

const start = async (env: Record<string, string>): Promise<ChildServer> => {
  const child = spawnServer(env)
  await child.listening()
  return child
}

// SIGTERM by night: how a server that ends by it does so is held to by `process.e2e.test.ts`.
const signals = isLongForm ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGKILL'] as const)

// One server and its folder for all: opening an embedded database takes seconds of work.
describe('a restart of a first run', () => {
  const folder = createDataFolder()
  let port: string
  let running: ChildServer
  beforeAll(async () => {
    port = String(await findFreePort())
    running = await start({ PORT: port, DATA_DIR: folder.path })
  }, 180_000)
  afterAll(async () => {
    await running.close()
    await folder.close()
  })

  it('says who uses the folder when a second one is started on it', async () => {
    const second = add(spawnServer({ PORT: String(await findFreePort()), DATA_DIR: folder.path }))
    expect(await second.ended).toEqual({ code: 1, signal: null })
    expect(second.stderr).toMatch(/in use by process \d+/)
    expect(second.stderr).not.toMatch(/^\s+at /m)
  }, 180_000)

  it.each(signals)(
    'after %s keeps who signed in, and prints another token',
    async (signal) => {
      const resource = `http://localhost:${port}/mcp`
      const printedToken = (child: ChildServer) =>
        /Bearer (mcp_[\w-]+)/.exec(child.stdout)?.[1] ?? ''

      const before = running
      await expect.poll(() => printedToken(before)).not.toBe('')
      const { client, memory } = await signIn(resource, 'v2, 2025 protocol')
      await client.call('coda_whoami')
      await client.close()
      const tokens = memory.currentTokens()
      before.kill(signal)
      const { code } = await before.ended
      expect(code).toBe(signal === 'SIGTERM' ? 0 : null)

      const after = await start({ PORT: port, DATA_DIR: folder.path })
      running = after
      expect(await whoami(resource, tokens?.access_token ?? '')).toBe(200)
      // The grant is known too: the refresh token of before the restart is good.
      memory.saveTokens({ token_type: 'Bearer', ...tokens, access_token: 'not-good' })
      const again = openSession(resource, 'v2, 2025 protocol', { authProvider: memory })
      await again.connect()
      add(again)
      expect((await again.call('coda_whoami')).isError).toBe(false)
      expect(memory.currentTokens()?.refresh_token).not.toBe(tokens?.refresh_token)

      expect(await whoami(resource, printedToken(before))).toBe(401)
      expect(await whoami(resource, printedToken(after))).toBe(200)
      expect(after.stdout).not.toContain(tokens?.access_token)
    },
    180_000,
  )
})
