import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spawnServer } from '../../../examples/coda-mcp/test/support/child-server.js'
import { findFreePort } from '../../../examples/coda-mcp/test/support/free-port.js'
import { createCleanup } from '../../../examples/coda-mcp/test/support/test-server.js'
import { recordFigure } from '../support/figures.js'
import { type App, openApp } from './support/app.js'
import { exchange, refreshSending, whoami } from './support/exchange.js'
import { createMovedClock, type MovedClock } from './support/preload.js'
import { expectAlive } from './support/recovery.js'
import { engine, openStage, type Stage, subjectOf } from './support/stage.js'
import { verdictOf } from './support/verdicts.js'

const HOUR = 3_600
const seconds = (): number => Math.floor(Date.now() / 1000)
const cli = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url))

const { add, run } = createCleanup()
let stage: Stage
let clock: MovedClock
/** Refreshed between the backup and the loss. */
let busy: App
/** Not used in between. */
let quiet: App
let restored: string
/** Of the time after the backup. */
const newKey = generateEncryptionKey()

async function mcpAuth(connectionString: string, ...parameters: string[]): Promise<void> {
  const env = { PATH: process.env.PATH, DATABASE_URL: connectionString }
  await promisify(execFile)(process.execPath, [cli, ...parameters], { env })
}

/** Ends all replicas and starts one on the restored database. */
async function startOnRestored(keys: string, ahead = HOUR) {
  for (const replica of stage.replicas.splice(0)) {
    await replica.kill('SIGKILL')
    stage.front.remove(replica)
  }
  const env = { DATABASE_URL: restored, MCP_AUTH_ENCRYPTION_KEYS: keys }
  const replica = await stage.startReplica(env)
  await clock.set([replica], ahead)
  return replica
}

beforeAll(async () => {
  if (engine === undefined) return
  clock = await createMovedClock()
  stage = add(await openStage({ replicas: 1, env: clock.preload.env }))
  add(clock.preload)
  busy = await openApp(stage)
  quiet = await openApp(stage)

  const folder = mkdtempSync(join(tmpdir(), 'backup-'))
  add({ close: async () => rmSync(folder, { recursive: true }) })
  const live = stage.cluster.connectionString()
  const file = join(folder, 'mcp-auth.jsonl')
  await mcpAuth(live, 'db', 'export', '--output', file)
  expect((await busy.refresh()).status).toBe(200)
  const client = new pg.Client({ connectionString: live })
  await client.connect()
  await client.query('CREATE DATABASE restored')
  await client.end()
  restored = stage.cluster.connectionString('restored')
  await mcpAuth(restored, 'db', 'import', file)
}, 120_000)
afterAll(run, 60_000)

describe.skipIf(engine === undefined)('a database restored from a backup of an hour ago', () => {
  it('F21 signs nobody out but those whose refresh token is newer, who sign in once more', async () => {
    const replica = await startOnRestored(stage.encryptionKeys)
    // docs/reference/database-schema.md, backup and restore
    const refused = await busy.refresh()
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant'])
    const kept = await quiet.refresh()
    expect(kept.status).toBe(200)
    expect((await quiet.refresh()).status).toBe(200)
    expect((await (await openApp(stage, busy.clientId)).refresh()).status).toBe(200)
    recordFigure({
      id: 'R11',
      part: 'F21-restored',
      values: { 'families lost beyond those refreshed since': 0, 'manual repairs': 0 },
      isMet: true,
      method: 'A backup by mcp-auth db export was restored, with the clock an hour ahead of it',
    })
    expectAlive([replica])
  }, 120_000)

  it('F21 tells an outage of what is sealed under a key that is missing, until the key is back', async () => {
    const { encryptionKeys } = stage
    // Known to the database, as after a rotation whose old key was dropped too early.
    await startOnRestored(`${newKey},${encryptionKeys}`)
    const port = await findFreePort()
    const url = `http://127.0.0.1:${port}`
    const server = spawnServer({
      ...stage.env,
      PORT: String(port),
      DATABASE_URL: restored,
      MCP_AUTH_ENCRYPTION_KEYS: newKey,
    })
    add(server)
    const statusOf = async (path: string) =>
      (await fetch(`${url}${path}`).catch(() => undefined))?.status
    await expect.poll(() => statusOf('/health/live'), { timeout: 60_000 }).toBe(200)
    const token = await stage.issuer.token({ sub: subjectOf(0), exp: seconds() + 2 * HOUR })
    await expect
      .poll(async () => verdictOf('tool', await exchange(url, whoami(false, token))), {
        timeout: 30_000,
      })
      .toBe('outage')
    expect(await statusOf('/health/ready')).toBe(503)
    const { refresh_token: refreshToken } = quiet.tokens
    const refreshed = await exchange(url, refreshSending(false, quiet.clientId, refreshToken))
    expect([refreshed.status, refreshed.text]).toEqual([
      503,
      expect.stringContaining('temporarily_unavailable'),
    ])
    // It lives on, and has never taken what it cannot open for absent.
    expect(await statusOf('/health/live')).toBe(200)
    await server.close()

    const repaired = await startOnRestored(`${newKey},${encryptionKeys}`, 0)
    expect(verdictOf('tool', await exchange(repaired.url, whoami(false, token)))).toBe('right')
    expect((await quiet.refresh()).status).toBe(200)
    expectAlive([repaired])
  }, 150_000)
})
