/*
 * One server with one candidate, in a process of its own. Parameters: app, candidate, context as JSON.
 * Answers `usage` messages with its CPU time so far.
 */
import { once } from 'node:events'

const [app, candidate, context] = process.argv.slice(2)
const { listen } = await import(`./apps/${app}.mjs`)
const server = await listen(candidate, { ...JSON.parse(context), onEvent: () => {} })
// A connection rests while other candidates have their turn, which may be longer than five seconds.
server.keepAliveTimeout = 0
if (!server.listening) await once(server, 'listening')

process.on('message', (message) => {
  if (message === 'usage') {
    const { user, system } = process.cpuUsage()
    process.send({ microseconds: user + system, rss: process.memoryUsage.rss() })
  }
})
process.on('disconnect', () => process.exit(0))
process.send({ port: server.address().port })
