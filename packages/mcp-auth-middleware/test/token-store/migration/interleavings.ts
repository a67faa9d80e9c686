/** One concurrent activity. It waits for its turn before every step that others could see. */
export type Actor = (turn: () => Promise<void>) => Promise<unknown>

/** One fresh system: who acts, and what has to hold when all have ended. */
export interface System {
  readonly actors: readonly Actor[]
  check(results: readonly PromiseSettledResult<unknown>[]): Promise<void>
}

interface Choice {
  readonly options: number
  readonly taken: number
}

const quiet = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Runs one system under the choices given, and by the first option afterwards. */
async function runOnce(system: System, prefix: readonly number[], preemptions: number) {
  const waiting = new Map<number, () => void>()
  const choices: Choice[] = []
  const results = Promise.allSettled(
    system.actors.map((actor, index) => {
      const turn = () => new Promise<void>((resolve) => waiting.set(index, resolve))
      return turn().then(() => actor(turn))
    }),
  )
  let last = -1
  let left = preemptions
  await quiet()
  while (waiting.size > 0) {
    const others = [...waiting.keys()].filter((each) => each !== last).sort()
    const goesOn = waiting.has(last)
    const candidates = goesOn ? [last, ...(left > 0 ? others : [])] : others
    const taken = prefix[choices.length] ?? 0
    choices.push({ options: candidates.length, taken })
    const next = candidates[taken] ?? -1
    if (goesOn && next !== last) left--
    last = next
    const go = waiting.get(next)
    waiting.delete(next)
    go?.()
    await quiet()
  }
  await system.check(await results)
  return choices
}

/**
 * Runs a system under every order of steps in which running actors are interrupted at most so many
 * times, and returns how many orders there were. A failure names the order that led to it.
 */
export async function explore(create: () => Promise<System>, preemptions: number): Promise<number> {
  let prefix: number[] = []
  for (let runs = 1; ; runs++) {
    let choices: Choice[]
    try {
      choices = await runOnce(await create(), prefix, preemptions)
    } catch (cause) {
      throw new Error(`failed in the order ${JSON.stringify(prefix)}`, { cause })
    }
    const turn = choices.findLastIndex(({ options, taken }) => taken + 1 < options)
    if (turn < 0) return runs
    prefix = [...choices.slice(0, turn).map(({ taken }) => taken), (choices[turn]?.taken ?? 0) + 1]
  }
}
