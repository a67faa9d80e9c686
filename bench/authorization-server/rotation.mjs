/*
 * What the rotation of a refresh token asks of the database: statements, those of them that lock, and CPU
 * of the backends. By hand as one statement and as five, and ours during a whole refresh over HTTP.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import pg from 'pg'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { interleave } from '../stores/interleave.mjs'
import { ratioOf, typical } from '../stores/typical.mjs'
import { createClient } from './clients.mjs'
import { create } from './servers/ours.mjs'

const SLICE = effort(100, 5)
const ROUNDS = effort(15, 1)
const WARM_UP_ROUNDS = effort(6, 0)

const ONE = 'floor: one CTE statement'
const FIVE = 'by hand: a transaction of five statements'
const OURS = 'ours, a whole refresh'

const SCHEMA = `CREATE TABLE refresh_tokens (
  token_id bytea PRIMARY KEY, grant_id text NOT NULL, used_at timestamptz, payload jsonb NOT NULL)`
const PAYLOAD = {
  sub: 'ann',
  scope: 'coda.read coda.write',
  resource: 'https://mcp.example.com/mcp',
}

const CTE = `WITH used AS (
    UPDATE refresh_tokens SET used_at = now() WHERE token_id = $1 AND used_at IS NULL
    RETURNING grant_id, payload)
  INSERT INTO refresh_tokens (token_id, grant_id, payload)
  SELECT $2, grant_id, payload FROM used RETURNING grant_id`

/** A rotating token of a table of one's own. */
async function createByHand(connectionString, rotate) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query(SCHEMA)
  let current = randomBytes(32)
  await client.query('INSERT INTO refresh_tokens VALUES ($1, $2, NULL, $3)', [
    current,
    'grant',
    PAYLOAD,
  ])
  return {
    async rotate() {
      const next = randomBytes(32)
      await rotate(client, current, next)
      current = next
    },
    close: () => client.end(),
  }
}

async function rotateAtOnce(client, current, next) {
  const { rowCount } = await client.query({ name: 'rotate', text: CTE, values: [current, next] })
  if (rowCount !== 1) throw new Error('the token was used before')
}

async function rotateInSteps(client, current, next) {
  await client.query('BEGIN')
  const { rows } = await client.query({
    name: 'lock',
    text: 'SELECT grant_id, payload, used_at FROM refresh_tokens WHERE token_id = $1 FOR UPDATE',
    values: [current],
  })
  if (rows[0]?.used_at !== null) throw new Error('the token was used before')
  const use = 'UPDATE refresh_tokens SET used_at = now() WHERE token_id = $1'
  await client.query({ name: 'use', text: use, values: [current] })
  await client.query({
    name: 'add',
    text: 'INSERT INTO refresh_tokens (token_id, grant_id, payload) VALUES ($1, $2, $3)',
    values: [next, rows[0].grant_id, rows[0].payload],
  })
  await client.query('COMMIT')
}

/** Our authorization server in this process, and a client that refreshes. */
async function createOurs(connectionString) {
  let handler
  const http = createServer((request, response) => handler(request, response))
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${http.address().port}`
  const resource = `${origin}/mcp`
  handler = await create({ origin, resource, connectionString })
  const client = await createClient({ name: 'ours', origin, resource })
  const post = async (form) => {
    const response = await fetch(client.tokenUrl, {
      method: 'POST',
      body: new URLSearchParams(form),
    })
    if (!response.ok) throw new Error(`a refresh was answered ${response.status}`)
    return (await response.json()).refresh_token
  }
  let token = await post(await client.authorize(await client.signIn()))
  return {
    async rotate() {
      token = await post(client.refreshForm(token))
    },
    close() {
      http.closeAllConnections()
      http.close()
    },
  }
}

/** The statements of one rotation: most of those of a few, since others run now and then. */
async function countStatements(rotate) {
  const { query } = pg.Client.prototype
  const texts = []
  pg.Client.prototype.query = function countedQuery(statement, ...rest) {
    texts.push(typeof statement === 'string' ? statement : (statement.text ?? ''))
    return query.call(this, statement, ...rest)
  }
  try {
    const counts = []
    for (let turn = 0; turn < 5; turn += 1) {
      texts.length = 0
      await rotate()
      const parts = texts.flatMap((text) => text.split(';').filter((part) => part.trim() !== ''))
      const deciding = parts.filter((part) => /FOR UPDATE|SET used_at/.test(part))
      counts.push([parts.length, deciding.length])
    }
    return counts.toSorted(([left], [right]) => left - right)[2]
  } finally {
    pg.Client.prototype.query = query
  }
}

export async function measureRotation(postgres) {
  const candidates = {
    [ONE]: await createByHand(await postgres.createDatabase(), rotateAtOnce),
    [FIVE]: await createByHand(await postgres.createDatabase(), rotateInSteps),
    [OURS]: await createOurs(await postgres.createDatabase()),
  }
  const statements = {}
  for (const [label, { rotate }] of Object.entries(candidates)) {
    statements[label] = await countStatements(rotate)
  }
  const sizes = { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS }
  const samples = await interleave(candidates, sizes, async ({ rotate }) => {
    const { client, backend } = await postgres.cpuWhile(async () => {
      for (let count = 0; count < SLICE; count += 1) await rotate()
    })
    return { client: client / SLICE, backend: backend / SLICE }
  })
  for (const { close } of Object.values(candidates)) await close()

  const roles = { [ONE]: 'floor', [FIVE]: 'peer', [OURS]: 'ours' }
  const backends = (label) => samples[label].map(({ backend }) => backend)
  return measuredTable(
    'rotation',
    'Rotation of one refresh token on PostgreSQL',
    [
      ['statements', 0],
      ['that lock', 0],
      ['process us', 0],
      ['backend us', 1],
      ['backend, of the floor', 2],
    ],
    Object.keys(candidates).map((label) => ({
      label,
      role: roles[label],
      values: [
        ...statements[label],
        typical(samples[label].map(({ client }) => client)),
        typical(backends(label)),
        ratioOf(backends(label), backends(ONE)),
      ],
    })),
  )
}
