/* Repeats one case; runs under callgrind. Parameters: name of the case, repetitions, fixture. */
import { beginCounting, mark } from '../lib/callgrind.mjs'
import { readFixture } from '../lib/fixture.mjs'
import { startKeyServer } from '../lib/key-server.mjs'
import { CASES } from './cases.mjs'

const [name, repetitions, fixturePath] = process.argv.slice(2)
const { jwks, tokens } = readFixture(fixturePath)
// Callgrind is slow enough for a fetch to meet its deadline. Only express-oauth2-jwt-bearer, which
// asks by node:http, needs the server.
const keyServer = await startKeyServer(jwks)
globalThis.fetch = async () => Response.json(jwks)

const { create, status } = CASES[name]
const exchange = await create({ fixturePath, jwksUri: keyServer.jwksUri }, tokens)

const repeat = async (times) => {
  for (let count = times; count > 0; count -= 1) {
    const answered = await exchange()
    if (answered !== status) throw new Error(`${name}: ${answered} instead of ${status}`)
  }
}

// Start-up and compilation are over after the first third, so what is counted is the work alone.
await repeat(Number(repetitions))
await beginCounting()
await repeat(2 * Number(repetitions))
mark()
// Timers and sockets of the libraries differ; their end is not part of the count.
process.exit(0)
