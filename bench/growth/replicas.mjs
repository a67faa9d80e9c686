/*
 * 1 to 4 replicas behind one address list: CPU of a request in all processes together, and how often the
 * issuer is asked for keys. Each replica has a cache of its own, so that nothing is shared to wait for.
 */
import { requestBytes, startLoad, startServer } from '../http/processes.mjs'
import { effort } from '../lib/effort.mjs'
import { createFixture, readFixture } from '../lib/fixture.mjs'
import { startKeyServer } from '../lib/key-server.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { median } from '../lib/program.mjs'
import { interleave } from '../stores/interleave.mjs'

const NUMBERS = effort([1, 2, 3, 4], [1, 2])
const ROUNDS = effort(5, 1)
const REQUESTS = effort(3000, 40)
const CONNECTIONS = 12
const CANDIDATES = [
  ['bare Express', 'base', 'none'],
  ['floor: SHA-256 and Map', 'floor', 'map-sha256'],
  ['ours, cached', 'ours', 'ours'],
  ['SDK v1 + jose', 'peer', 'sdk-v1'],
]

async function startGroup(candidate, number, fixturePath, jwks) {
  const keyServer = await startKeyServer(jwks)
  const context = { fixturePath, jwksUri: keyServer.jwksUri }
  const servers = []
  for (let index = 0; index < number; index += 1) {
    servers.push(await startServer({ app: 'express', candidate }, context))
  }
  return { keyServer, servers, ports: servers.map(({ port }) => port) }
}

async function sumOfUsage(servers) {
  const usages = await Promise.all(servers.map((server) => server.usage()))
  return usages.reduce((sum, { microseconds }) => sum + microseconds, 0)
}

export async function measureReplicas() {
  const fixture = createFixture()
  const { jwks, tokens } = readFixture(fixture.path)
  const request = requestBytes(tokens.valid)
  const load = startLoad()
  const groups = {}
  const rows = []
  try {
    for (const [label, , candidate] of CANDIDATES) {
      for (const number of NUMBERS) {
        groups[`${label}/${number}`] = await startGroup(candidate, number, fixture.path, jwks)
      }
    }
    const samples = await interleave(
      groups,
      { rounds: ROUNDS, warmUpRounds: 2 },
      async ({ servers, ports }, label) => {
        const before = await sumOfUsage(servers)
        const job = { ports, request, requests: REQUESTS, connections: CONNECTIONS }
        const statuses = await load.run(job)
        if (statuses[200] !== REQUESTS) throw new Error(`${label}: ${JSON.stringify(statuses)}`)
        return ((await sumOfUsage(servers)) - before) / REQUESTS
      },
    )
    for (const [label, role] of CANDIDATES) {
      const cost = (number) => median(samples[`${label}/${number}`])
      rows.push({
        label,
        role,
        values: [
          ...NUMBERS.map(cost),
          cost(NUMBERS.at(-1)) / cost(1),
          groups[`${label}/${NUMBERS.at(-1)}`].keyServer.fetches.length,
        ],
      })
    }
  } finally {
    load.stop()
    for (const { keyServer, servers } of Object.values(groups)) {
      for (const server of servers) server.stop()
      await keyServer.close()
    }
    fixture.remove()
  }
  const most = NUMBERS.at(-1)
  return measuredTable(
    'replicas',
    'CPU of an accepted request with N replicas, all processes together, Express 5',
    [
      ...NUMBERS.map((number) => [`${number}: us`, 1]),
      [`${most} against 1`, 2],
      [`key fetches of ${most}`, 0],
    ],
    rows,
  )
}
