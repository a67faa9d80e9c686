/*
 * Load generator in a process of its own: raw sockets, keep-alive, one request in flight for each
 * connection, a fixed number of requests spread over the given ports. Connections stay open from one
 * job to the next. Reads answers with `Content-Length` and chunked ones.
 */
import { once } from 'node:events'
import { connect } from 'node:net'

const idle = new Map()

function isComplete(received) {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, end + 2))?.[1]
  if (length !== undefined) return received.length >= end + 4 + Number(length)
  if (/\r\ntransfer-encoding: *chunked/i.test(received.slice(0, end + 2))) {
    return received.endsWith('\r\n0\r\n\r\n')
  }
  return true
}

async function take(port) {
  const waiting = idle.get(port)?.pop()
  if (waiting !== undefined && !waiting.destroyed) return waiting
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  await once(socket, 'connect')
  return socket
}

function giveBack(port, socket) {
  const waiting = idle.get(port) ?? []
  waiting.push(socket)
  idle.set(port, waiting)
}

/** Sends from one connection until no requests are left. */
function send(socket, request, takeTurn, count) {
  return new Promise((resolve, reject) => {
    let received = ''
    const finish = (settle, value) => {
      socket.off('data', onData).off('error', onError).off('close', onClose)
      settle(value)
    }
    const onError = (error) => finish(reject, error)
    const onClose = () => finish(reject, new Error('the server closed a connection'))
    const onData = (chunk) => {
      received += chunk.toString('latin1')
      if (!isComplete(received)) return
      count(received.slice(9, 12))
      received = ''
      if (takeTurn()) socket.write(request)
      else finish(resolve)
    }
    socket.on('data', onData).on('error', onError).on('close', onClose)
    if (takeTurn()) socket.write(request)
    else finish(resolve)
  })
}

async function sendAll({ ports, request, requests, connections }) {
  const statuses = {}
  let left = requests
  const takeTurn = () => {
    left -= 1
    return left >= 0
  }
  const count = (status) => {
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const port = ports[index % ports.length]
      const socket = await take(port)
      await send(socket, request, takeTurn, count)
      giveBack(port, socket)
    }),
  )
  return statuses
}

process.on('message', async (job) => {
  try {
    process.send({ statuses: await sendAll(job) })
  } catch (error) {
    process.send({ error: error.message })
  }
})
process.on('disconnect', () => process.exit(0))
