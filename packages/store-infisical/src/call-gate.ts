import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { InfisicalEvent } from './events.js'
import type { CallLimits } from './infisical-api.js'

/** Calls under way at the same time that somebody waits for. */
const MAXIMUM_ACTIVE = 16
/** Calls that nobody waits for any more, since the SDK cannot be stopped; more are never left behind. */
const MAXIMUM_ABANDONED = 48
/** Above this many, attempts become rare, so that the maximum is not reached while Infisical hangs. */
const MANY_ABANDONED = 40
const FIRST_PAUSE_MILLISECONDS = 1000
/** With the read deadline of 2 s the store is back within 5 s after Infisical is. */
const LONGEST_PAUSE_MILLISECONDS = 2000
const RARE_PAUSE_MILLISECONDS = 30_000
/** One failure of the server may be about what was asked; several in a row are an outage. */
const FAILURES_IN_A_ROW = 3

/** Lets calls through while Infisical answers, and one attempt at a time while it does not. */
export interface CallGate {
  /**
   * Runs one call of the SDK. `outage` tells of a failure whether Infisical is unwell.
   *
   * @throws {@link StoreUnavailableError} at the deadline, or at once while calls are held back; else
   *   what the call rejects with. An abort rejects with the reason of the signal.
   */
  run<Value>(
    limits: CallLimits,
    call: () => Promise<Value>,
    outage: (error: unknown) => 'no' | 'failed' | 'unreachable',
  ): Promise<Value>
}

function timedOut(): StoreUnavailableError {
  return new StoreUnavailableError('Infisical did not answer within the deadline')
}

function heldBack(): StoreUnavailableError {
  return new StoreUnavailableError('Infisical did not answer lately; it is asked again in a moment')
}

/** Waits for a promise within the limits. What is behind the promise goes on. */
export function withinLimits<Value>(promise: Promise<Value>, limits: CallLimits): Promise<Value> {
  const { deadline, signal } = limits
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason)
    const timer = setTimeout(() => reject(timedOut()), Math.max(0, deadline - performance.now()))
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    promise.then(
      (value) => {
        end()
        resolve(value)
      },
      (error: unknown) => {
        end()
        reject(error)
      },
    )
  })
}

function started<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return call()
  } catch (error) {
    return Promise.reject(error)
  }
}

/** What {@link createCallGate} works with. */
export interface CallGateParts {
  /** Usual time for one call. What had less than half of it says nothing when it runs out of time. */
  readonly patienceMilliseconds: number
  readonly now: () => number
  readonly emit: (event: InfisicalEvent) => void
}

/** Creates the gate that all calls to one server go through. */
export function createCallGate({ patienceMilliseconds, now, emit }: CallGateParts): CallGate {
  const waiting = new Set<() => void>()
  let active = 0
  let abandoned = 0
  let failures = 0
  let pause = 0
  let openedAt: number | undefined
  let probing = false

  function open(): void {
    pause = Math.min(Math.max(FIRST_PAUSE_MILLISECONDS, pause * 2), LONGEST_PAUSE_MILLISECONDS)
    openedAt = now()
    emit({ type: 'circuit', state: 'open', abandoned })
    wakeAll()
  }

  function close(): void {
    failures = 0
    pause = 0
    if (openedAt === undefined) return
    openedAt = undefined
    emit({ type: 'circuit', state: 'closed', abandoned })
  }

  function wakeAll(): void {
    for (const wake of [...waiting]) wake()
  }

  function wakeOne(): void {
    for (const wake of waiting) {
      wake()
      return
    }
  }

  function mayProbe(since: number): boolean {
    if (probing || abandoned >= MAXIMUM_ABANDONED) return false
    const wait = abandoned >= MANY_ABANDONED ? RARE_PAUSE_MILLISECONDS : pause
    const time = now()
    // A clock that was set back must not hold calls back for longer.
    return time < since || time >= since + wait
  }

  /**
   * Takes a slot, and tells whether the call is the one that finds out whether Infisical is back;
   * `undefined` when there is no slot.
   */
  function tryEnter(limits: CallLimits): boolean | undefined {
    limits.signal?.throwIfAborted()
    if (performance.now() >= limits.deadline) throw timedOut()
    if (openedAt !== undefined) {
      if (!mayProbe(openedAt)) throw heldBack()
      probing = true
      active++
      return true
    }
    if (active >= MAXIMUM_ACTIVE || active + abandoned >= MAXIMUM_ABANDONED) return undefined
    active++
    return false
  }

  async function waitForSlot(limits: CallLimits): Promise<void> {
    let wake = (): void => undefined
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    waiting.add(wake)
    try {
      await withinLimits(woken, limits)
    } finally {
      waiting.delete(wake)
    }
  }

  return {
    async run(limits, call, outage) {
      let entered = tryEnter(limits)
      while (entered === undefined) {
        await waitForSlot(limits)
        entered = tryEnter(limits)
      }
      const probe = entered
      const hadTime = limits.deadline - performance.now() >= patienceMilliseconds / 2
      let left = false
      // Whether the call ended or was given up: its slot is given back once.
      const leave = () => {
        if (left) return
        left = true
        active--
        if (probe) probing = false
        wakeOne()
      }
      const fail = (kind: 'failed' | 'unreachable') => {
        failures++
        const opens = probe || kind === 'unreachable' || failures >= FAILURES_IN_A_ROW
        if (opens && (openedAt === undefined || probe)) open()
      }

      let ended = false
      const settled = started(call).then(
        (value) => {
          ended = true
          if (left) abandoned--
          leave()
          // Also when nobody waits any more: an answer says that Infisical is back.
          close()
          return value
        },
        (error: unknown) => {
          ended = true
          const kind = outage(error)
          const late = left
          if (late) abandoned--
          leave()
          if (kind === 'no') close()
          else if (!late) fail(kind)
          throw error
        },
      )
      limits.hold?.(settled)
      try {
        return await withinLimits(settled, limits)
      } catch (error) {
        if (!ended) {
          abandoned++
          leave()
          // An abort by the caller says nothing about Infisical, and neither does a call that was late.
          if (limits.signal?.aborted !== true && (hadTime || probe)) fail('unreachable')
        }
        throw error
      }
    },
  }
}
