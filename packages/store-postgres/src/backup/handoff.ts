/** Passes values from one piece of work to another, one at a time. */
export interface Handoff<Value> extends AsyncIterable<Value> {
  /** Resolves when the value was taken. Rejects when nobody takes any more. */
  put(value: Value): Promise<void>
  /** Ends the iteration, with an error when one is given. */
  end(error?: unknown): void
}

interface Offer<Value> {
  readonly value: Value
  taken(): void
  refused(error: Error): void
}

/** Nobody iterates any more. */
export class HandoffEnded extends Error {}

/** Creates a handoff for one producer and one consumer. */
export function createHandoff<Value>(): Handoff<Value> {
  let offer: Offer<Value> | undefined
  let outcome: { readonly error?: unknown } | undefined
  let isAbandoned = false
  let wake = () => {}

  return {
    put(value) {
      if (isAbandoned) return Promise.reject(new HandoffEnded())
      return new Promise((taken, refused) => {
        offer = { value, taken, refused }
        wake()
      })
    },
    end(error) {
      outcome ??= error === undefined ? {} : { error }
      wake()
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const current = offer
          if (current !== undefined) {
            yield current.value
            // Only now: the producer is at most one value ahead.
            offer = undefined
            current.taken()
          } else if (outcome !== undefined) {
            if ('error' in outcome) throw outcome.error
            return
          } else {
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          }
        }
      } finally {
        isAbandoned = true
        offer?.refused(new HandoffEnded())
      }
    },
  }
}
