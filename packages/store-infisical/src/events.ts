/** Something that an operator may want to see. Never holds a name, a value or a URL. */
export type InfisicalEvent =
  | {
      readonly type: 'login'
      readonly outcome: 'done' | 'failed' | 'refused'
      /** Seconds for which no login is tried; only when it was refused. */
      readonly holdSeconds?: number | undefined
    }
  | {
      readonly type: 'refresh'
      readonly outcome: 'done' | 'failed'
      /** Number of secrets in the folder. */
      readonly secrets?: number | undefined
    }
  /** Requests are held back after failures, or go through again. */
  | { readonly type: 'circuit'; readonly state: 'open' | 'closed'; readonly abandoned: number }
  /** A credential was served after its time because Infisical is unavailable. */
  | { readonly type: 'stale' }

/** Receives events. Never waited for; what it throws or rejects with is ignored. */
export type InfisicalEventListener = (event: InfisicalEvent) => void

/** Calls a listener so that its failure changes nothing. */
export function createEmitter(
  listener: InfisicalEventListener | undefined,
): (event: InfisicalEvent) => void {
  if (listener === undefined) return () => undefined
  return (event) => {
    try {
      const result: unknown = listener(Object.freeze(event))
      if (result instanceof Promise) result.catch(() => undefined)
    } catch {
      // Watching the store must not be able to break it.
    }
  }
}
