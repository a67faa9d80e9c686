const COUNTER_LIMIT = 0x1000
const RANDOM_BYTES = 10

/**
 * Creates a generator of UUIDv7 texts that sort in the order in which they were made, also within one
 * millisecond and when the clock steps back.
 *
 * @see RFC 9562 section 5.7 - UUID version 7
 * @see RFC 9562 section 6.2 - method 1, fixed bit-length dedicated counter
 */
export function createVersionGenerator(now: () => number = Date.now): () => string {
  let milliseconds = 0
  let counter = 0
  let pool = new Uint8Array(0)
  let used = 0

  // No secret, so many are made at once: one by one they cost more than the rest of a version.
  function nextBytes(): Uint8Array {
    if (used === pool.length) {
      pool = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES * 128))
      used = 0
    }
    used += RANDOM_BYTES
    return pool.subarray(used - RANDOM_BYTES, used)
  }

  return () => {
    const bytes = nextBytes()
    const random = new DataView(bytes.buffer, bytes.byteOffset)
    const current = Math.floor(now())
    if (current > milliseconds) {
      milliseconds = current
      // Starts in the lower half, which leaves room for 2048 versions in the same millisecond.
      counter = random.getUint16(8) % (COUNTER_LIMIT / 2)
    } else if (++counter === COUNTER_LIMIT) {
      milliseconds++
      counter = 0
    }

    const time = milliseconds.toString(16).padStart(12, '0')
    const sequence = counter.toString(16).padStart(3, '0')
    const variant = (0x8000 | (random.getUint16(0) & 0x3fff)).toString(16)
    const node = [...bytes.subarray(2, 8)].map((byte) => byte.toString(16).padStart(2, '0'))
    return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence}-${variant}-${node.join('')}`
  }
}

/** Makes the version of a new write: a UUIDv7, increasing within this process. */
export const createVersion: () => string = createVersionGenerator()
