import { createFixture, readFixture } from '../lib/fixture.mjs'
import { startKeyServer } from '../lib/key-server.mjs'
import { median } from '../lib/program.mjs'
import { requestBytes, startLoad, startServer } from './processes.mjs'

const CONNECTIONS = 10

/**
 * Measures CPU microseconds per request. Candidates take turns in short slices, so that what else the
 * machine does hits all of them; every group of rounds has new processes, since two processes of one
 * program can differ.
 *
 * @param jobs - `{ label, candidate, token, status }`: the kind of request and the expected answer.
 * @param processes - groups of rounds.
 * @param warmUp - requests before the first slice, `perSlice` - requests in a slice.
 * @returns label -> `{ microseconds, rss }` (medians).
 */
export async function measureCpu(options) {
  const { jobs, execPath, processes = 3, rounds = 5, warmUp = 4000, perSlice = 1500 } = options
  const fixture = createFixture()
  const { jwks, tokens } = readFixture(fixture.path)
  const keyServer = await startKeyServer(jwks)
  const load = startLoad()
  const samples = new Map(jobs.map(({ label }) => [label, []]))
  const memory = new Map()

  const slice = async (server, { label, token, status }, requests) => {
    const before = await server.usage()
    const request = requestBytes(tokens[token])
    const statuses = await load.run({
      port: server.port,
      request,
      requests,
      connections: CONNECTIONS,
    })
    if (statuses[status] !== requests) {
      throw new Error(`${label}: expected ${status} from all, got ${JSON.stringify(statuses)}`)
    }
    const after = await server.usage()
    memory.set(label, after.rss)
    return (after.microseconds - before.microseconds) / requests
  }

  try {
    for (let group = 0; group < processes; group += 1) {
      const servers = new Map()
      for (const { candidate } of jobs) {
        if (servers.has(candidate)) continue
        const context = { execPath, fixturePath: fixture.path, jwksUri: keyServer.jwksUri }
        servers.set(candidate, await startServer(candidate, context))
      }
      const serverOf = (job) => servers.get(job.candidate)
      for (const job of jobs) await slice(serverOf(job), job, warmUp)
      for (let round = 0; round < rounds; round += 1) {
        for (const job of jobs) {
          samples.get(job.label).push(await slice(serverOf(job), job, perSlice))
        }
      }
      for (const server of servers.values()) server.stop()
    }
  } finally {
    load.stop()
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
