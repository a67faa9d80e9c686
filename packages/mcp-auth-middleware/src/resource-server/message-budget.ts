import { heapLimitBytes } from '../runtime.js'

/** Longest message that is read by default, in bytes. */
export const DEFAULT_MESSAGE_BYTES = 4 * 1024 * 1024

/** Bodies up to this size are not counted: they cost no more than the request that brings them. */
const SMALL_BYTES = 16 * 1024

/**
 * Bytes of heap for each byte of a message. A body is held as bytes and as text, and parsed by the
 * guard and again by the handler; a part of the heap is for everything else.
 */
const HEAP_PER_BYTE = 16

/** The room that one body takes up. */
export interface MessageRoom {
  /** Gives back what was taken beyond the true size, once a body of unknown length has been read. */
  shrink(bytes: number): void
  /** Gives everything back. Does nothing the second time. */
  release(): void
}

/** Bounds the bytes of all messages that are in memory at the same time. */
export interface MessageBudget {
  /**
   * Takes room for a body before it is read.
   *
   * @param bytes - its announced length; `undefined` when it has none, which takes as much as one
   *   message may have.
   * @returns `undefined` for a body that is not counted: a small one, or one that is refused for its
   *   length anyhow. `full` when there is no room: answer 503 and leave the body unread.
   */
  take(bytes: number | undefined): MessageRoom | 'full' | undefined
}

/** Options of {@link createMessageBudget}. */
export interface MessageBudgetOptions {
  /** Longest message, in bytes. */
  readonly maxMessageBytes: number
  /** All messages together, in bytes. Default {@link defaultBytesAtOnce}. */
  readonly maxMessageBytesAtOnce?: number | undefined
}

/**
 * A sixteenth of the heap that this process may have, and never less than one message. 64 MiB where
 * the runtime does not tell.
 */
export function defaultBytesAtOnce(
  maxMessageBytes: number,
  heapBytes: number | undefined = heapLimitBytes(),
): number {
  const share = heapBytes === undefined ? 64 * 1024 * 1024 : Math.floor(heapBytes / HEAP_PER_BYTE)
  return Math.max(maxMessageBytes, share)
}

/** Creates the budget of one resource server. */
export function createMessageBudget(options: MessageBudgetOptions): MessageBudget {
  const { maxMessageBytes } = options
  let left = options.maxMessageBytesAtOnce ?? defaultBytesAtOnce(maxMessageBytes)

  return {
    take(bytes = maxMessageBytes) {
      if (bytes <= SMALL_BYTES || bytes > maxMessageBytes) return undefined
      if (bytes > left) return 'full'
      left -= bytes
      let held = bytes
      const shrink = (size: number): void => {
        if (size >= held) return
        left += held - size
        held = size
      }
      return { shrink, release: () => shrink(0) }
    },
  }
}
