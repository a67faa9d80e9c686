import { createFixture, readFixture } from '../lib/fixture.mjs'
import { startKeyServer } from '../lib/key-server.mjs'
import { median } from '../lib/program.mjs'
import { interleave } from '../stores/interleave.mjs'
import { requestBytes, startLoad, startServer } from './processes.mjs'

const CONNECTIONS = 10

const serverKey = ({ app, candidate, options }) => JSON.stringify([app, candidate, options])

/**
 * Measures CPU microseconds per request. Candidates take turns in short slices, in another order each
 * round, so that what else the machine does hits all of them; every group of rounds has new processes,
 * since two processes of one program can differ.
 *
 * @param jobs - `{ label, app, candidate, options, token, status, toolCall, connections }`: a server,
 * the kind of request and the expected answer. Jobs that name the same server share it.
 * @param processes - groups of rounds.
 * @param warmUp - requests before the first slice, `perSlice` - requests in a slice.
 * @returns label -> `{ microseconds, rss }` (medians).
 */
export async function measureCpu({ jobs, processes, rounds, warmUp, perSlice }) {
  const fixture = createFixture()
  const { jwks, tokens } = readFixture(fixture.path)
  const keyServer = await startKeyServer(jwks)
  const context = { fixturePath: fixture.path, jwksUri: keyServer.jwksUri }
  const samples = new Map(jobs.map(({ label }) => [label, []]))
  const memory = new Map()

  const slice = async (load, server, job, requests) => {
    const { label, token, status, toolCall, connections = CONNECTIONS } = job
    const before = await server.usage()
    const request = requestBytes(tokens[token], { toolCall })
    const statuses = await load.run({ ports: [server.port], request, requests, connections })
    if (statuses[status] !== requests) {
      throw new Error(`${label}: expected ${status} from all, got ${JSON.stringify(statuses)}`)
    }
    const after = await server.usage()
    memory.set(label, after.rss)
    return (after.microseconds - before.microseconds) / requests
  }

  try {
    for (let group = 0; group < processes; group += 1) {
      const load = startLoad()
      const servers = new Map()
      try {
        for (const job of jobs) {
          const key = serverKey(job)
          if (!servers.has(key)) servers.set(key, await startServer(job, context))
          await slice(load, servers.get(key), job, warmUp)
        }
        const byLabel = Object.fromEntries(jobs.map((job) => [job.label, job]))
        const measured = await interleave(byLabel, { rounds, warmUpRounds: 0 }, (job) =>
          slice(load, servers.get(serverKey(job)), job, perSlice),
        )
        for (const [label, values] of Object.entries(measured)) samples.get(label).push(...values)
      } finally {
        load.stop()
        for (const server of servers.values()) server.stop()
      }
    }
  } finally {
    await keyServer.close()
    fixture.remove()
  }
  return new Map(
    jobs.map(({ label }) => [
      label,
      { microseconds: median(samples.get(label)), rss: memory.get(label) },
    ]),
  )
}
