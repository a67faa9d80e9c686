import { listen } from './listen.js'

/** Ports that were given out already: the system may give one again as soon as it is closed. */
const given = new Set<number>()

/** A port of 127.0.0.1 that nobody listens on at the moment, another one each time. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const { origin, close } = await listen(() => {})
    await close()
    const port = Number(new URL(origin).port)
    if (given.has(port)) continue
    given.add(port)
    return port
  }
}
