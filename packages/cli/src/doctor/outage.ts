import { describeFailure } from './http/connection-failure.js'
import type { Exchange } from './http/prober.js'
import type { Outage } from './report.js'

/** Statuses that say that the server behind the answer is down; 52x and 530 are those of Cloudflare. */
const DOWN: ReadonlySet<number> = new Set([502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 530])

/** Why a server cannot be checked at all; `undefined` when it can. */
export function outageOf({ answer, failure, url }: Exchange): Outage | undefined {
  if (answer === undefined) {
    const known = failure ?? { kind: 'connection' as const, code: 'UNKNOWN' }
    return { kind: known.kind, message: describeFailure(known, url) }
  }
  // A firewall answers 503 too, and is there to stay.
  if (!DOWN.has(answer.status) || answer.headers.has('cf-mitigated')) return undefined
  const proxy = answer.status === 530 ? '; at Cloudflare that is a tunnel without its end' : ''
  return {
    kind: 'answer',
    message: `${url.host} answered ${answer.status}: the server or what stands before it is down${proxy}`,
  }
}
