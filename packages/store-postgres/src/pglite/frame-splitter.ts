import { MAXIMUM_FRAME_BYTES } from './admin-protocol.js'

const NEWLINE = 0x0a

/** Cuts a stream of bytes into the frames between newlines. */
export interface FrameSplitter {
  /**
   * Adds bytes and yields the frames that are whole now. To be iterated to its end.
   *
   * @throws {@link RangeError} when a frame is too long, before it is kept.
   * @throws {@link TypeError} when a frame is not UTF-8.
   */
  push(bytes: Uint8Array): Iterable<string>
  /** Bytes after the last newline. */
  readonly pendingBytes: number
}

/** Creates a splitter that holds at most one frame of `maximumBytes`. */
export function createFrameSplitter(maximumBytes: number = MAXIMUM_FRAME_BYTES): FrameSplitter {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let parts: Uint8Array[] = []
  let length = 0

  function keep(part: Uint8Array): void {
    length += part.length
    if (length > maximumBytes) throw new RangeError('the frame is too long')
    if (part.length > 0) parts.push(part)
  }

  return {
    get pendingBytes() {
      return length
    },
    *push(bytes) {
      let start = 0
      for (;;) {
        const end = bytes.indexOf(NEWLINE, start)
        keep(bytes.subarray(start, end < 0 ? undefined : end))
        if (end < 0) return
        const frame = decoder.decode(Buffer.concat(parts))
        parts = []
        length = 0
        yield frame
        start = end + 1
      }
    },
  }
}
