import type { ServerContext } from '@modelcontextprotocol/server'

/**
 * Creates the progress report of one call: a notification for each message when the client sent a
 * `progressToken`, otherwise nothing. The count only grows, as the protocol wants it; there is no total,
 * since Coda does not say how long it takes.
 */
export function createProgressReport({
  mcpReq,
}: ServerContext): (message: string) => Promise<void> {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return async () => {}
  let progress = 0
  return async (message) => {
    progress += 1
    try {
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, message },
      })
    } catch {
      // Nobody listens any more; the signal of the call ends it, not a lost report.
    }
  }
}

function progressTokenOf(message: unknown): unknown {
  const params: unknown = Object(message).params
  const meta: unknown = Object(params)._meta
  return Object(meta).progressToken
}

/** Whether a JSON-RPC request, or one of a batch, wants progress. */
export function asksForProgress(body: unknown): boolean {
  const messages: unknown[] = Array.isArray(body) ? body : [body]
  return messages.some((message) => progressTokenOf(message) !== undefined)
}
