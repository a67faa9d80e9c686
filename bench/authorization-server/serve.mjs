/*
 * One authorization server in a process of its own. Parameters: name, connection string. Answers `usage`
 * messages with its CPU time so far, and `memory` messages with its memory after collections.
 */
import { createServer } from 'node:http'

const [name, connectionString] = process.argv.slice(2)
const { create } = await import(new URL(`./servers/${name}.mjs`, import.meta.url).href)

let handler
const http = createServer((request, response) => handler(request, response))
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${http.address().port}`
handler = await create({ origin, resource: `${origin}/mcp`, connectionString })

process.on('message', (message) => {
  if (message === 'usage') {
    const { user, system } = process.cpuUsage()
    process.send({ microseconds: user + system })
  }
  if (message === 'memory') {
    globalThis.gc()
    globalThis.gc()
    process.send(process.memoryUsage())
  }
})
process.on('disconnect', () => process.exit(0))
process.send({ origin })
