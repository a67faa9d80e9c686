import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordFigure } from '../../../../test/security/support/figures.js'
import { type TestDatabase, testEngines } from '../../../store-postgres/test/support/engines.js'
import {
  authorize,
  codeForm,
  postToken,
  refresh,
  register,
  type Tokens,
} from '../engine/support/flow.js'
import { buildReplicaProgram, type Replica, type ReplicaProgram } from '../replica/replica.js'

// Nightly: RACE_ROUNDS=100.
const ROUNDS = Number(process.env.RACE_ROUNDS ?? 10)
const RACERS = 100
const LIMIT = { timeout: 60_000 + ROUNDS * 20_000 }

const engine = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)

let home: TestDatabase
let program: ReplicaProgram
let replicas: readonly [Replica, Replica]
let client: pg.Client
let clientId: string

beforeAll(async () => {
  if (engine === undefined) return
  home = await engine.createDatabase()
  const { connectionString = '' } = home
  const encryptionKeys = generateEncryptionKey()
  program = await buildReplicaProgram()
  const first = await program.start({ connectionString, encryptionKeys })
  const issuer = first.origin
  replicas = [first, await program.start({ connectionString, encryptionKeys, issuer })]
  client = new pg.Client({ connectionString })
  await client.connect()
  clientId = (await register(first.server)).client_id
}, 60_000)

afterAll(async () => {
  await client?.end()
  for (const replica of replicas ?? []) await replica.stop()
  program?.remove()
  await home?.drop()
})

const replicaAt = (index: number): Replica => replicas[index % 2 === 0 ? 0 : 1]

/** Signs in at the first replica, whose origin is the issuer. */
function authorizeOnce() {
  return authorize(replicas[0].server, clientId)
}

async function obtainTokens(): Promise<Tokens> {
  const { body } = await postToken(replicas[0].server, codeForm(clientId, await authorizeOnce()))
  return body as Tokens
}

type Answer = Awaited<ReturnType<typeof postToken>>

/** Asks both replicas at the same time. Who finds no free connection in time is told to come again. */
function race(run: (replica: Replica) => Promise<Answer>): Promise<readonly Answer[]> {
  async function runUntilAnswered(replica: Replica): Promise<Answer> {
    const answer = await run(replica)
    return answer.status === 503 ? runUntilAnswered(replica) : answer
  }
  return Promise.all(
    Array.from({ length: RACERS }, (_, index) => runUntilAnswered(replicaAt(index))),
  )
}

function countBy<Value>(values: readonly Value[]): ReadonlyMap<Value, number> {
  const counts = new Map<Value, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** How many families have how many refresh tokens that were not used. */
async function liveRefreshTokens(): Promise<readonly number[]> {
  const { rows } =
    await client.query(`SELECT count(*) FILTER (WHERE consumed_at IS NULL)::int AS live
    FROM mcp_auth.oauth_tokens WHERE token_type = 'RefreshToken' GROUP BY grant_id`)
  return rows.map(({ live }) => live)
}

async function countEvents(event: string): Promise<number> {
  const { rows } = await client.query(
    'SELECT count(*)::int AS count FROM mcp_auth.audit_events WHERE event = $1',
    [event],
  )
  return rows[0].count
}

describe.skipIf(engine === undefined)('two replicas on one PostgreSQL', () => {
  it(`E03 redeem one code once in 100 parallel requests, ${ROUNDS} rounds`, LIMIT, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const form = codeForm(clientId, await authorizeOnce())
      const answers = await race(({ server }) => postToken(server, form))
      expect(countBy(answers.map(({ status, body }) => body.error ?? status))).toEqual(
        new Map<unknown, number>([
          [200, 1],
          ['invalid_grant', RACERS - 1],
        ]),
      )
      // The others had the right verifier at the same time: duplicates, which end nothing.
      const tokens = answers.find(({ status }) => status === 200)?.body as Tokens
      expect(await replicas[0].callMcp(tokens.access_token)).toBe(200)
      expect(await replicas[1].callMcp(tokens.access_token)).toBe(200)
      const next = await refresh(replicaAt(round).server, clientId, tokens.refresh_token)
      expect(next.status).toBe(200)
    }
    expect(new Set(await liveRefreshTokens())).toEqual(new Set([1]))
    expect(await countEvents('code.reuse')).toBe(0)
    recordFigure({
      id: 'R10',
      part: 'race-of-codes',
      values: {
        'redemptions in parallel': ROUNDS * RACERS,
        'double spends': 0,
        'false revocations': 0,
      },
      isMet: true,
      method: 'Two processes on one PostgreSQL; 100 parallel requests for each code, half at each.',
    })
  })

  it(
    `E03 rotate one refresh token once in 100 parallel uses, ${ROUNDS} rounds`,
    LIMIT,
    async () => {
      let { refresh_token: head } = await obtainTokens()
      for (let round = 0; round < ROUNDS; round++) {
        const spent = head
        const answers = await race(({ server }) => refresh(server, clientId, spent))
        expect(countBy(answers.map(({ status, body }) => body.error ?? status))).toEqual(
          new Map([[200, RACERS]]),
        )
        expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(1)
        const heads = new Set(answers.map(({ body }) => String(body.refresh_token)))
        expect(heads.size).toBe(1)
        head = [...heads][0] ?? ''
        expect(head).not.toBe(spent)
      }
      expect(new Set(await liveRefreshTokens())).toEqual(new Set([1]))
      expect(await countEvents('token.reuse')).toBe(0)
      expect((await refresh(replicas[1].server, clientId, head)).status).toBe(200)
      recordFigure({
        id: 'R10',
        part: 'race-of-refresh-tokens',
        values: {
          'refreshes in parallel': ROUNDS * RACERS,
          'forked families': 0,
          'false revocations': 0,
        },
        isMet: true,
        method:
          'Two processes on one PostgreSQL; 100 parallel uses of each refresh token, half at each.',
      })
    },
  )
})
