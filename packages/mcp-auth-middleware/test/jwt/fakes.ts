import type { SigningKey } from './sign.js'

/** A clock that only moves when told to. */
export interface FakeClock {
  readonly now: () => number
  advance(seconds: number): void
}

/** Some Tuesday in November 2026, in epoch milliseconds. */
export const START = 1_795_000_000_000

export function createClock(start = START): FakeClock {
  let time = start
  return {
    now: () => time,
    advance(seconds) {
      time += seconds * 1000
    },
  }
}

/** Answers requests in place of the network, and counts them. */
export interface FakeNetwork {
  readonly fetch: typeof globalThis.fetch
  /** Requested URLs, in order. */
  readonly requests: string[]
  /** Answers from now on. A missing URL is 404; a function is called for each request. */
  readonly answers: Map<string, unknown>
  /** Until called off, requests fail as if nothing listened. */
  down: boolean
  /** While set, requests hang until `release` is called. */
  hold(): { release(): void }
}

export function createNetwork(answers: Record<string, unknown> = {}): FakeNetwork {
  let gate: Promise<void> | undefined
  const network: FakeNetwork = {
    requests: [],
    answers: new Map(Object.entries(answers)),
    down: false,
    hold() {
      let open: () => void = () => undefined
      gate = new Promise((resolve) => {
        open = resolve
      })
      return {
        release() {
          gate = undefined
          open()
        },
      }
    },
    async fetch(input) {
      const url = String(input)
      network.requests.push(url)
      await gate
      if (network.down) throw new TypeError('fetch failed')
      const answer = network.answers.get(url)
      if (answer instanceof Response) return answer.clone()
      if (answer === undefined) return new Response('not found', { status: 404 })
      return Response.json(answer)
    },
  }
  return network
}

/** The JWK Set of some keys. */
export function keySetOf(...keys: SigningKey[]): { keys: Record<string, unknown>[] } {
  return { keys: keys.map(({ jwk }) => jwk) }
}

/** Lets everything run that does not wait for a timer or the network. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
}
