const encoder = new TextEncoder()

/** Tells whether a text takes more than so many bytes of UTF-8. */
export function isLongerThan(text: string, maximumBytes: number): boolean {
  // A UTF-16 code unit takes 1 to 3 bytes, so that most texts need not be encoded.
  if (text.length * 3 <= maximumBytes) return false
  return text.length > maximumBytes || encoder.encode(text).length > maximumBytes
}
