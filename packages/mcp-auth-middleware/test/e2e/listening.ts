import { createServer, type RequestListener, type Server } from 'node:http'

/** A server on 127.0.0.1 whose port is known before it is decided what it answers. */
export interface Host {
  readonly origin: string
  answer(listener: RequestListener): void
  close(): Promise<void>
}

/** Listens on a free port; answers 404 until `answer` is called. */
export async function startHost(): Promise<Host> {
  let listener: RequestListener = (_, response) => response.writeHead(404).end()
  const server: Server = createServer((request, response) => listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    answer: (next) => {
      listener = next
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Things to stop after each test, last started first. */
export function createCleanup() {
  const stops: (() => Promise<unknown> | undefined)[] = []
  return {
    later(stop: () => Promise<unknown> | undefined): void {
      stops.push(stop)
    },
    async run(): Promise<void> {
      for (const stop of stops.splice(0).reverse()) await stop()
    },
  }
}
