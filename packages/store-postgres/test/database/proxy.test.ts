import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { startProxy } from '../support/proxy.js'

it('keeps the order of packets when a latency goes away', async () => {
  const received: string[] = []
  const server = createServer((socket) => {
    socket.on('data', (chunk) => received.push(chunk.toString()))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const proxy = await startProxy(server.address() as AddressInfo)
  const client = connect(proxy.port, '127.0.0.1').setNoDelay(true)
  try {
    await once(client, 'connect')
    proxy.setLatency(100)
    client.write('first, ')
    await expect.poll(() => proxy.packets).toBe(1)
    proxy.setLatency(0)
    client.write('second')
    await expect.poll(() => received.join('')).toBe('first, second')
  } finally {
    client.destroy()
    await proxy.close()
    server.close()
  }
})
