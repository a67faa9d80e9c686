import { watchEventLoop } from './event-loop.js'
import { changedIntrinsics, recordIntrinsics } from './intrinsics.js'
import { watchOutbound } from './outbound.js'
import { isWatchQuestion, type ProcessReport } from './process-report.js'
import { watchUnhandled } from './unhandled.js'

/*
 * Loaded by `--import` before the program of a watched process, so that everything that the program
 * loads is seen. The program itself needs no change and does not know.
 */

const intrinsics = recordIntrinsics()
const unhandled = watchUnhandled()
const outbound = watchOutbound()
const eventLoop = watchEventLoop()

function countResources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

function collect(): void {
  const gc: unknown = Reflect.get(globalThis, 'gc')
  if (typeof gc !== 'function') return
  gc()
  gc()
}

function report(): ProcessReport {
  const figures = eventLoop.read()
  collect()
  const { rss, heapUsed, external } = process.memoryUsage()
  // The collection above is no turn of the program.
  eventLoop.reset()
  return {
    nodeEnv: process.env.NODE_ENV ?? null,
    changedIntrinsics: changedIntrinsics(intrinsics),
    eventLoop: figures,
    ...unhandled.read(),
    outbound: outbound.take(),
    resources: countResources(),
    memory: { rss, heapUsed, external },
  }
}

process.on('message', (message) => {
  if (!isWatchQuestion(message)) return
  process.send?.({ watched: message.watch, report: report() })
})
// Only the program decides how long the process lives.
process.channel?.unref()
