import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { type TestDatabase, testEngines } from '../../../store-postgres/test/support/engines.js'
import { obtainTokens, refresh } from '../engine/support/flow.js'
import { buildReplicaProgram, type Replica, type ReplicaProgram } from '../replica/replica.js'

const SECOND = 1000

const engine = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)

let home: TestDatabase
let program: ReplicaProgram
let a: Replica
let b: Replica

beforeAll(async () => {
  if (engine === undefined) return
  home = await engine.createDatabase()
  const { connectionString = '' } = home
  const encryptionKeys = generateEncryptionKey()
  program = await buildReplicaProgram()
  a = await program.start({ connectionString, encryptionKeys })
  b = await program.start({ connectionString, encryptionKeys, issuer: a.origin })
}, 60_000)

afterAll(async () => {
  await a?.stop()
  await b?.stop()
  program?.remove()
  await home?.drop()
})

/** Moves both replicas on. */
async function advance(seconds: number): Promise<void> {
  await a.act('advance', { seconds })
  await b.act('advance', { seconds })
}

/** Waits for what is told within a second, without asking more than the route itself does. */
async function expectWithinASecond(run: () => Promise<number>, status: number): Promise<void> {
  const deadline = performance.now() + SECOND
  let last = await run()
  while (last !== status && performance.now() < deadline) last = await run()
  expect(last).toBe(status)
}

async function kidsAt({ origin }: Replica): Promise<readonly string[]> {
  const response = await fetch(`${origin}/.well-known/jwks.json`)
  const { keys } = await response.json()
  return keys.map(({ kid }: { kid: string }) => kid)
}

const kidOf = (token: unknown): string =>
  JSON.parse(Buffer.from(String(token).split('.')[0] ?? '', 'base64url').toString()).kid

/** Calls a replica; one that has not read the revocations since its clock was moved cannot tell yet. */
async function callMoved(replica: Replica, accessToken: unknown): Promise<number> {
  const status = await replica.callMcp(accessToken)
  return status === 503 ? callMoved(replica, accessToken) : status
}

/** Refreshes at a replica, and calls both with what it answered. */
async function refreshAndCall(at: Replica, clientId: string, refreshToken: unknown) {
  const { status, body } = await refresh(at.server, clientId, refreshToken)
  expect(status).toBe(200)
  expect(await callMoved(a, body.access_token)).toBe(200)
  expect(await callMoved(b, body.access_token)).toBe(200)
  return body
}

describe.skipIf(engine === undefined)('two replicas on one PostgreSQL', () => {
  it('show a revocation at the other within a second, and at its token endpoint at once', async () => {
    const { clientId, tokens } = await obtainTokens(a.server)
    expect(await b.callMcp(tokens.access_token)).toBe(200)
    const response = await fetch(`${a.origin}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, token: tokens.refresh_token }),
    })
    expect(response.status).toBe(200)
    expect(await a.callMcp(tokens.access_token)).toBe(401)
    const refused = await refresh(b.server, clientId, tokens.refresh_token)
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant'])
    await expectWithinASecond(() => b.callMcp(tokens.access_token), 401)
  })

  it('E23 show a suspension at the other within a second, and at its token endpoint at once', async () => {
    const { clientId, tokens } = await obtainTokens(a.server, { subject: 'bob' })
    expect(await b.callMcp(tokens.access_token)).toBe(200)
    await a.act('suspend', { email: 'bob@example.com' })
    const refused = await refresh(b.server, clientId, tokens.refresh_token)
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant'])
    expect(await a.callMcp(tokens.access_token)).toBe(401)
    await expectWithinASecond(() => b.callMcp(tokens.access_token), 401)
    // Nobody else is touched, and whoever is let in again signs in anew.
    const { tokens: others } = await obtainTokens(a.server)
    expect(await b.callMcp(others.access_token)).toBe(200)
    await b.act('activate', { email: 'bob@example.com' })
    expect((await refresh(a.server, clientId, tokens.refresh_token)).status).toBe(400)
    const { tokens: again } = await obtainTokens(a.server, { subject: 'bob' })
    expect(await b.callMcp(again.access_token)).toBe(200)
  })

  it('walk to the head: A at 0 s and 60 s, B with the first token at 70 s, both an hour later', async () => {
    const { clientId, tokens } = await obtainTokens(a.server)
    const a1 = await refreshAndCall(a, clientId, tokens.refresh_token)
    await advance(60)
    const a2 = await refreshAndCall(a, clientId, a1.refresh_token)
    await advance(10)
    const b1 = await refreshAndCall(b, clientId, tokens.refresh_token)
    expect(b1.refresh_token).toBe(a2.refresh_token)
    await advance(3600)
    const [a3, b2] = await Promise.all([
      refreshAndCall(a, clientId, a2.refresh_token),
      refreshAndCall(b, clientId, b1.refresh_token),
    ])
    expect(b2.refresh_token).toBe(a3.refresh_token)
    await advance(3600)
    await refreshAndCall(b, clientId, a3.refresh_token)
  })

  it('E34 reject no token of each other while the signing key changes', async () => {
    const { clientId, tokens } = await obtainTokens(a.server)
    const old = kidOf(tokens.access_token)
    let { refresh_token: head } = tokens
    await a.act('rotate')
    let used = new Set<string>()
    // Past the publication, the first use, and the end of the last token of the old key. By day the hour
    // after the first use goes by in steps of seven minutes, at either replica in turn.
    for (let minute = 0, step = 1; minute < 80; minute += step) {
      const at = minute % 2 === 0 ? a : b
      step = isLongForm || minute < 12 ? 1 : 7
      const body = await refreshAndCall(at, clientId, head)
      head = String(body.refresh_token)
      const kid = kidOf(body.access_token)
      // A resource server elsewhere must be able to know the key five minutes before.
      if (minute < 6) expect(kid).toBe(old)
      if (minute > 9) expect(kid).not.toBe(old)
      used = used.add(kid)
      for (const replica of [a, b]) {
        const kids = await kidsAt(replica)
        if (minute > 0) expect(kids).toContain(kid)
      }
      await advance(60 * step)
    }
    expect(used.size).toBe(2)
    expect(await kidsAt(a)).toEqual(await kidsAt(b))
    expect(await kidsAt(a)).not.toContain(old)
  })

  it('drop a compromised key on both within a second', async () => {
    const { clientId, tokens } = await obtainTokens(a.server)
    expect(await b.callMcp(tokens.access_token)).toBe(200)
    await a.act('rotate', { compromised: true })
    expect(await a.callMcp(tokens.access_token)).toBe(401)
    await expectWithinASecond(() => b.callMcp(tokens.access_token), 401)
    const { body } = await refresh(b.server, clientId, tokens.refresh_token)
    await expectWithinASecond(() => b.callMcp(body.access_token), 200)
    expect(await a.callMcp(body.access_token)).toBe(200)
  })
})
