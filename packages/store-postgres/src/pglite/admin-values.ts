/**
 * Values as they travel through the admin socket: JSON, with the types that it lacks as an object of
 * one member. Objects, which only columns of type `jsonb` yield, are wrapped too, so that none can be
 * mistaken for another type.
 */
export function encodeValue(value: unknown): unknown {
  if (typeof value === 'bigint') return { i: String(value) }
  if (typeof value === 'number' && !Number.isFinite(value)) return { f: String(value) }
  if (value instanceof Uint8Array) {
    return { b: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  }
  if (value instanceof Date) return { d: Number.isNaN(value.getTime()) ? '' : value.toISOString() }
  if (Array.isArray(value)) return value.map(encodeValue)
  if (typeof value === 'object' && value !== null) return { j: value }
  return value ?? null
}

function decodeTagged(tag: string, content: unknown): unknown {
  if (tag === 'j') return content
  if (typeof content === 'string') {
    if (tag === 'b') return Buffer.from(content, 'base64')
    if (tag === 'd') return new Date(content)
    if (tag === 'f') return Number(content)
    if (tag === 'i' && /^-?\d{1,40}$/.test(content)) return BigInt(content)
  }
  throw new TypeError('a value of an unknown type')
}

/**
 * Reverses {@link encodeValue}.
 *
 * @throws {@link TypeError} for what it cannot have made.
 */
export function decodeValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodeValue)
  if (typeof value !== 'object' || value === null) return value
  const [entry, ...rest] = Object.entries(value)
  if (entry === undefined || rest.length > 0) throw new TypeError('a value of an unknown type')
  return decodeTagged(...entry)
}
