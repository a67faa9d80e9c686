import type { IncomingHttpHeaders } from 'node:http'
import type { EventSink } from '../engine/events.js'

const FORWARDED = ['x-forwarded-for', 'forwarded', 'x-forwarded-proto', 'x-forwarded-host'] as const

const FIX = 'set trustProxy to the number of proxies in front of the server, or to their addresses'

/**
 * Creates the watch over headers of proxies that are not trusted: behind a proxy that nobody has named
 * all users share its limits. Warns once, and never repeats what a header says, since anybody can send one.
 */
export function createForwardedHeaderWatch(
  events: EventSink,
): (headers: IncomingHttpHeaders, isTrusted: boolean) => void {
  let hasWarned = false
  return (headers, isTrusted) => {
    if (hasWarned || isTrusted) return
    if (!FORWARDED.some((name) => headers[name] !== undefined)) return
    hasWarned = true
    events.tell({
      event: 'forwarded-headers.ignored',
      outcome: 'denied',
      reason: 'untrusted_proxy',
      details: { fix: FIX },
    })
    process.emitWarning(`forwarded headers of an unknown proxy are ignored: ${FIX}`, {
      type: 'McpAuthWarning',
      code: 'MCP_AUTH_UNTRUSTED_PROXY',
    })
  }
}
