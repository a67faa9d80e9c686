/**
 * Reads a body into memory, up to a limit. Its announced length is not trusted: it counts compressed
 * bytes, and may be absent.
 *
 * @param limit - in bytes, after decompression.
 * @returns the bytes, or `undefined` when there are more; the rest is then cancelled.
 * @throws what the stream throws, for example when the connection breaks.
 */
export async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (body === null) return new Uint8Array()
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.byteLength
    if (size > limit) {
      // Not awaited: a sender that never stops must not hold us here.
      reader.cancel().catch(() => undefined)
      return undefined
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
