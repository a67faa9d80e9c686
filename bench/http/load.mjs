/*
 * Load generator in a process of its own: raw sockets, keep-alive, one request in flight for each
 * connection, a fixed number of requests. Reads `Content-Length` answers only, which is what all
 * candidates send.
 */
import { connect } from 'node:net'

function sendAll({ port, request, requests, connections }) {
  const statuses = {}
  let toSend = requests

  const run = () =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      let received = ''
      const next = () => {
        if (toSend === 0) {
          socket.end()
          resolve()
          return
        }
        toSend -= 1
        socket.write(request)
      }
      socket.on('connect', next)
      socket.on('error', reject)
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1')
        const end = received.indexOf('\r\n\r\n')
        if (end === -1) return
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(received)?.[1] ?? 0)
        if (received.length < end + 4 + length) return
        const status = received.slice(9, 12)
        statuses[status] = (statuses[status] ?? 0) + 1
        received = ''
        next()
      })
    })
  return Promise.all(Array.from({ length: connections }, run)).then(() => statuses)
}

process.on('message', async (job) => {
  try {
    process.send({ statuses: await sendAll(job) })
  } catch (error) {
    process.send({ error: error.message })
  }
})
process.on('disconnect', () => process.exit(0))
