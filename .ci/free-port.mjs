import { once } from 'node:events'
import { createServer } from 'node:net'

// Below the ports that systems give to whoever asks for any (Linux from 32768, others from 49152), so that
// no connection and no other test takes it between here and its use.
const FIRST = 10_000
const LAST = 32_767

/** Ports that were given out already. */
const given = new Set()

async function isFree(port) {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

/** A port of 127.0.0.1 that nobody uses, another one each time. */
export async function findFreePort() {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1))
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
}
