import { afterEach, describe, expect, it } from 'vitest'
import { type ChildServer, spawnServer } from './support/child-server.js'
import { createDataFolder } from './support/data-folder.js'
import { findFreePort } from './support/free-port.js'
import { callTool } from './support/http-calls.js'
import { openSession } from './support/mcp.js'
import { signIn } from './support/sign-in.js'
import { createCleanup } from './support/test-server.js'

const { add, run } = createCleanup()
afterEach(run)

const whoami = async (resource: string, token: string): Promise<number> =>
  (await callTool(resource, token, 'coda_whoami')).status

describe('a restart of a first run', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'after %s keeps who signed in, and prints another token',
    async (signal) => {
      const folder = add(createDataFolder())
      const port = String(await findFreePort())
      const resource = `http://localhost:${port}/mcp`
      const start = async (): Promise<ChildServer> => {
        const child = add(spawnServer({ PORT: port, DATA_DIR: folder.path }))
        await child.listening()
        return child
      }
      const printedToken = (child: ChildServer) =>
        /Bearer (mcp_[\w-]+)/.exec(child.stdout)?.[1] ?? ''

      const before = await start()
      await expect.poll(() => printedToken(before)).not.toBe('')
      const { client, memory } = await signIn(resource, 'v2, 2025 protocol')
      await client.call('coda_whoami')
      await client.close()
      const tokens = memory.currentTokens()
      before.kill(signal)
      const { code } = await before.ended
      expect(code).toBe(signal === 'SIGTERM' ? 0 : null)

      const after = await start()
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

  it('says who uses the folder when a second one is started on it', async () => {
    const folder = add(createDataFolder())
    const first = add(spawnServer({ PORT: String(await findFreePort()), DATA_DIR: folder.path }))
    await first.listening()
    const second = add(spawnServer({ PORT: String(await findFreePort()), DATA_DIR: folder.path }))
    expect(await second.ended).toEqual({ code: 1, signal: null })
    expect(second.stderr).toMatch(/in use by process \d+/)
    expect(second.stderr).not.toMatch(/^\s+at /m)
  }, 180_000)
})
