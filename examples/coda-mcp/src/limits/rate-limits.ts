import { createHash } from 'node:crypto'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Logger } from '../logger.js'
import type { Metrics } from '../metrics/metrics.js'
import { currentRequest } from '../request-context.js'
import type { Caller } from '../request-log.js'

/**
 * What is limited: one client of a caller, all clients of a caller, messages of a caller that are answered
 * at the same time, refusals of a network or caller.
 */
export type LimitName = 'client' | 'caller' | 'running' | 'refusals'

/** How much is allowed within a minute; 0 is no limit. */
export interface RateLimitSettings {
  /** Requests of one caller through one client. All clients of a caller together have twice as many. */
  readonly requests: number
  /** Refusals of one network, or of one caller whose credential was good. */
  readonly refusals: number
}

/** Options for {@link createRateLimits}. */
export interface RateLimitsOptions {
  readonly settings: RateLimitSettings
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Limits of this process. They count in memory: each replica allows as much again. */
export interface RateLimits {
  /** Counts requests, one by default. Resolves with the seconds to wait when they are too many. */
  takeRequest(caller: Caller, requests?: number): Promise<number | undefined>
  /**
   * Counts messages that are answered now. Returns what ends that; `undefined` when they are too many.
   */
  begin(caller: Caller, messages?: number): (() => void) | undefined
  /** Counts a refusal of a network, or of the caller who is known. */
  takeRefusal(of: string | Caller): Promise<number | undefined>
}

const windowSeconds = 60
const totalFactor = 2
/** Messages of one caller that are answered at the same time: an answer of Coda may be 16 MiB. */
const mostRunning = 20

/** Fixed length, whatever a provider uses as subjects. */
function keyOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

function callerFields({ issuer, subject, clientId }: Caller) {
  return { issuer, subject, clientId }
}

function createLimiter(points: number): RateLimiterMemory | undefined {
  if (points === 0) return undefined
  return new RateLimiterMemory({ keyPrefix: '', points, duration: windowSeconds })
}

/** Creates the limits of `/mcp`. */
export function createRateLimits(options: RateLimitsOptions): RateLimits {
  const { settings, logger, metrics } = options
  const limiters: Readonly<Record<Exclude<LimitName, 'running'>, RateLimiterMemory | undefined>> = {
    client: createLimiter(settings.requests),
    caller: createLimiter(settings.requests * totalFactor),
    refusals: createLimiter(settings.refusals),
  }

  const running = new Map<string, { messages: number; isReported: boolean }>()

  function refuse(limit: LimitName, of: string | Caller, isFirst: boolean): void {
    metrics.count('rate_limited_total', { limit })
    // Once in a window: a log that grows with the attack would be one more.
    if (!isFirst) return
    const whom = typeof of === 'string' ? { network: of } : callerFields(of)
    const { requestId } = currentRequest() ?? {}
    logger.warn({ requestId, limit, ...whom }, 'rate limit reached')
  }

  async function take(
    limit: keyof typeof limiters,
    key: string,
    of: string | Caller,
    points = 1,
  ): Promise<number | undefined> {
    const limiter = limiters[limit]
    try {
      await limiter?.consume(key, points)
      return undefined
    } catch (result) {
      // Whatever else fails here is no reason to refuse anybody.
      if (!(result instanceof RateLimiterRes) || limiter === undefined) return undefined
      refuse(limit, of, result.consumedPoints - points <= limiter.points)
      return Math.max(1, Math.ceil(result.msBeforeNext / 1000))
    }
  }
  const clientKey = ({ issuer, subject, clientId }: Caller): string =>
    keyOf(issuer, subject, clientId ?? '')
  const callerKey = ({ issuer, subject }: Caller): string => keyOf(issuer, subject)

  return {
    // The client first, so that one that runs wild does not use up what the others have.
    takeRequest: async (caller, requests = 1) =>
      (await take('client', clientKey(caller), caller, requests)) ??
      (await take('caller', callerKey(caller), caller, requests)),
    begin(caller, messages = 1) {
      if (settings.requests === 0) return () => {}
      const key = callerKey(caller)
      const now = running.get(key) ?? { messages: 0, isReported: false }
      if (now.messages + messages > mostRunning) {
        refuse('running', caller, !now.isReported)
        now.isReported = true
        return undefined
      }
      now.messages += messages
      running.set(key, now)
      return () => {
        now.messages -= messages
        if (now.messages === 0) running.delete(key)
      }
    },
    takeRefusal: async (of) =>
      await take('refusals', typeof of === 'string' ? keyOf(of) : callerKey(of), of),
  }
}
