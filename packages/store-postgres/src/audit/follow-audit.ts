import { setTimeout as delay } from 'node:timers/promises'
import type { AuditRecord } from './audit-records.js'

const POLL_MILLISECONDS = 500
// An event is written in a transaction of 5 seconds at most; its id was given out when it began.
const OVERLAP_MILLISECONDS = 6000
// More than are being written at any one moment.
const OVERLAP_AT_START = 1000n
const PAGE = 500

/** Reads the events with a higher id, in the order of their ids. */
export type ReadAfter = (id: string, limit: number) => Promise<readonly AuditRecord[]>

/** What {@link followAudit} needs. */
export interface FollowOptions {
  readonly read: ReadAfter
  /** The highest id that is visible now. */
  readonly readLast: () => Promise<string>
  /** Begins behind this id instead of now. */
  readonly after?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number
}

/**
 * Yields events as they become visible, until the signal aborts. Ids are given out before the commit,
 * so that a lower one can appear after a higher one: every poll reads again from where the trail ended
 * six seconds ago and leaves out what was yielded.
 */
export async function* followAudit(options: FollowOptions): AsyncGenerator<AuditRecord> {
  const { read, readLast, after, signal, now } = options
  const isAborted = () => signal?.aborted === true
  let position = 0n
  const seen = new Set<bigint>()
  // Where the trail ended at each poll of the last seconds.
  const ends: { readonly at: number; readonly id: bigint }[] = []

  async function* readFrom(first: bigint): AsyncGenerator<AuditRecord> {
    let from = first
    while (!isAborted()) {
      const records = await read(String(from), PAGE)
      for (const record of records) {
        from = BigInt(record.id)
        if (seen.has(from)) continue
        if (isAborted()) return
        seen.add(from)
        yield record
      }
      if (records.length < PAGE) return
    }
  }

  if (after === undefined) {
    const last = BigInt(await readLast())
    position = last > OVERLAP_AT_START ? last - OVERLAP_AT_START : 0n
    // Visible before the start, so not yielded; what is between them and not visible yet will be.
    for await (const { id } of readFrom(position)) if (BigInt(id) > last) seen.delete(BigInt(id))
  } else position = BigInt(after)

  while (!isAborted()) {
    yield* readFrom(position)
    const at = now()
    let end = position
    for (const id of seen) if (id > end) end = id
    ends.push({ at, id: end })
    // The newest end that is old enough: nothing below it can appear any more.
    while (ends[0] !== undefined && at - ends[0].at >= OVERLAP_MILLISECONDS) {
      position = ends[0].id
      ends.shift()
    }
    for (const id of seen) if (id <= position) seen.delete(id)
    await delay(POLL_MILLISECONDS, undefined, signal && { signal }).catch(() => {})
  }
}
