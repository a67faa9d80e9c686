import { constants } from 'node:os'
import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../test/security/support/long-form.js'
import { readConfig } from '../src/config.js'
import { type ChildServer, spawnServer } from './support/child-server.js'
import { createCleanup } from './support/cleanup.js'
import { findFreePort } from './support/free-port.js'
import { callTool, post } from './support/http-calls.js'
import { listen } from './support/listen.js'
import { startStandIn } from './support/stand-in.js'

const { add, run } = createCleanup()
afterEach(run)

const start = (env: Record<string, string>): ChildServer => add(spawnServer(env))

/** What a start that fails leaves behind: nothing but one message and the exit code. */
async function failedStart(env: Record<string, string>): Promise<string> {
  const child = start(env)
  expect(await child.ended).toEqual({ code: 1, signal: null })
  expect(child.stdout).toBe('')
  expect(child.stderr).not.toMatch(/^\s+at /m)
  expect(child.stderr).not.toContain('canary')
  return child.stderr
}

function messageOf(fails: () => unknown): string {
  try {
    fails()
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  throw new Error('it did not fail')
}

describe('a start that cannot work', () => {
  it('names what is missing to be reached by others', async () => {
    // How such a message is printed is the next test's.
    const message = messageOf(() => readConfig({ HOST: '0.0.0.0' }))
    expect(message).toMatch(/^the configuration cannot be used\n/)
    expect(message).toContain('PUBLIC_URL is missing')
    expect(message).toContain('(way in) is missing')
    expect(message).toContain('CODA_API_TOKEN is missing')
    expect(message.trimEnd().split('\n')).toHaveLength(4)
  })

  it('lists every variable that is wrong in one message, without values', async () => {
    const message = await failedStart({
      STYTCH_PROJECT_ID: 'project-live-1',
      PORT: 'canary-port',
      ALOWED_EMAILS: 'canary@example.com',
      ALLOWED_EMAIL: 'canary@example.com',
      METRICS_PORT: 'canary',
      CODA_API_TOKEN_FILE: '/nonexistent/canary',
    })
    expect(message).toMatch(/^the configuration cannot be used\n/)
    expect(message).toContain('STYTCH_DOMAIN is missing: STYTCH_PROJECT_ID works only with it')
    expect(message).toContain('PORT must be a whole number')
    expect(message).toContain('ALLOWED_EMAIL is not a variable of this server')
    expect(message).toContain('did you mean ALLOWED_EMAILS?')
    expect(message).toContain('METRICS_PORT must be a whole number from 0 to 65535')
    expect(message).toContain('CODA_API_TOKEN_FILE names a file that cannot be read')
  })

  it('ends when the port of its metrics is in use', async () => {
    const taken = await listen((_request, response) => void response.end())
    try {
      const message = await failedStart({
        PORT: String(await findFreePort()),
        METRICS_PORT: new URL(taken.origin).port,
        MCP_BEARER_TOKENS: `ci:sha256:${'0'.repeat(64)}`,
        CODA_API_TOKEN: 'canary-coda',
      })
      expect(message).toMatch(/METRICS_PORT \(\d+\) cannot be listened on/)
    } finally {
      await taken.close()
    }
  })

  it('refuses what a validator would refuse, in words', async () => {
    const message = await failedStart({
      STYTCH_PROJECT_ID: 'project-live-1',
      STYTCH_DOMAIN: 'test.stytch.com',
      CODA_API_TOKEN: 'canary-coda',
    })
    expect(message).toContain('domain')
    expect(message).toContain('all Stytch projects share')
  })

  const configured = { MCP_BEARER_TOKENS: `ci:sha256:${'0f'.repeat(32)}`, CODA_API_TOKEN: 'canary' }
  // By night on a first run too, which opens a database before it listens.
  const servers: readonly (readonly [name: string, env: Record<string, string>])[] = [
    ...(isLongForm ? ([['first run', {}]] as const) : []),
    ['configured server', configured],
  ]
  it.each(servers)('says on a %s that the port is in use, and ends', async (_, env) => {
    const other = add(await listen(() => {}))
    const port = new URL(other.origin).port
    const message = await failedStart({ ...env, PORT: port })
    expect(message).toMatch(new RegExp(`address already in use 127\\.0\\.0\\.1:${port}`))
    expect(message).toContain('PORT')
  })
})

describe('the end of the process', () => {
  it('SIGTERM: is not ready, lets the slow request finish and exits with 0 in time', async () => {
    const { token, digest } = await generateBearerToken()
    const port = String(await findFreePort())
    const url = `http://127.0.0.1:${port}`
    let release = (): void => {}
    let asked = false
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const standIn = add(await startStandIn())
    const slow = add(
      await listen(async (request, response) => {
        asked = true
        await held
        const answer = await fetch(new URL(request.url ?? '', standIn.baseUrl), {
          headers: { authorization: request.headers.authorization ?? '' },
        })
        response.setHeader('content-type', 'application/json').end(await answer.text())
      }),
    )
    const child = start({
      PORT: port,
      DRAIN_SECONDS: '15',
      MCP_BEARER_TOKENS: `ci:${digest}`,
      CODA_API_TOKEN: 'canary-coda',
      CODA_API_BASE_URL: `${slow.origin}/apis/v1`,
    })
    await child.listening()
    expect((await fetch(`${url}/health/ready`)).status).toBe(200)
    const pending = callTool(`${url}/mcp`, token, 'coda_whoami')
    await expect.poll(() => asked, { timeout: 10_000 }).toBe(true)

    const signalledAt = Date.now()
    child.kill('SIGTERM')
    await expect.poll(async () => (await fetch(`${url}/health/ready`)).status).toBe(503)
    const late = await fetch(`${url}/health/live`)
    expect([late.status, late.headers.get('connection')]).toEqual([200, 'close'])
    release()
    const response = await pending
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringContaining('structuredContent'),
    ])
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(Date.now() - signalledAt).toBeLessThan(14_000)
    expect(child.stdout + child.stderr).not.toContain(token)
    expect(child.stdout + child.stderr).not.toContain('canary')
  })

  it('SIGTERM: breaks off a request that does not end, and still exits in time', async () => {
    const { token, digest } = await generateBearerToken()
    const port = String(await findFreePort())
    let asked = false
    const silent = add(
      await listen(() => {
        asked = true
      }),
    )
    const child = start({
      PORT: port,
      DRAIN_SECONDS: '2',
      MCP_BEARER_TOKENS: `ci:${digest}`,
      CODA_API_TOKEN: 'canary-coda',
      CODA_API_BASE_URL: `${silent.origin}/apis/v1`,
    })
    await child.listening()
    const pending = callTool(`http://127.0.0.1:${port}/mcp`, token, 'coda_whoami').then(
      (response) => response.status,
      () => 'broken',
    )
    await expect.poll(() => asked, { timeout: 10_000 }).toBe(true)
    const signalledAt = Date.now()
    child.kill('SIGTERM')
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(Date.now() - signalledAt).toBeLessThan(4_000)
    expect(await pending).not.toBe(200)
  })

  it('SIGTERM: ends a start that waits for its database', async () => {
    const port = String(await findFreePort())
    const { digest } = await generateBearerToken()
    const child = start({
      PORT: port,
      MCP_BEARER_TOKENS: `ci:${digest}`,
      TOKEN_STORE: 'postgres',
      DRAIN_SECONDS: '1',
      DATABASE_URL: `postgresql://nobody@127.0.0.1:${await findFreePort()}/nothing`,
      MCP_AUTH_ENCRYPTION_KEYS: generateEncryptionKey(),
    })
    const live = () => fetch(`http://127.0.0.1:${port}/health/live`).catch(() => undefined)
    await expect.poll(async () => (await live())?.status, { timeout: 45_000 }).toBe(200)
    // As soon as it answers, for this is when the start hands its signals over to the drain.
    child.kill('SIGTERM')
    expect(await child.ended).toEqual({ code: 0, signal: null })
  }, 60_000)

  it('SIGINT: ends a first run at once, even with a client still connected', async () => {
    const port = String(await findFreePort())
    const child = start({ PORT: port })
    await child.listening()
    expect((await post(`http://127.0.0.1:${port}/mcp`, 'tools/list')).status).toBe(401)
    const signalledAt = Date.now()
    child.kill('SIGINT')
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(Date.now() - signalledAt).toBeLessThan(3_000)
  }, 90_000)

  const pairs = isLongForm
    ? ([
        ['SIGTERM', 'SIGTERM'],
        ['SIGTERM', 'SIGINT'],
      ] as const)
    : ([['SIGTERM', 'SIGINT']] as const)
  it.each(pairs)('%s and then %s: ends at once', async (first, second) => {
    const { token, digest } = await generateBearerToken()
    const port = String(await findFreePort())
    let asked = false
    const silent = add(
      await listen(() => {
        asked = true
      }),
    )
    const child = start({
      PORT: port,
      DRAIN_SECONDS: '60',
      MCP_BEARER_TOKENS: `ci:${digest}`,
      CODA_API_TOKEN: 'canary-coda',
      CODA_API_BASE_URL: `${silent.origin}/apis/v1`,
    })
    await child.listening()
    const url = `http://127.0.0.1:${port}`
    const pending = callTool(`${url}/mcp`, token, 'coda_whoami').catch(() => undefined)
    await expect.poll(() => asked, { timeout: 10_000 }).toBe(true)
    child.kill(first)
    await expect.poll(async () => (await fetch(`${url}/health/ready`)).status).toBe(503)
    const secondAt = Date.now()
    child.kill(second)
    expect(await child.ended).toEqual({ code: 128 + constants.signals[second], signal: null })
    expect(Date.now() - secondAt).toBeLessThan(3_000)
    await pending
  })
})
