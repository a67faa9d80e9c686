const encoder = new TextEncoder()
let key: CryptoKey | undefined

/**
 * Derives a version from a value: the same while the value is the same, in this process only. Keyed
 * with a random key that never leaves the process, since a plain digest would let anybody who sees the
 * version try out guesses of a short secret.
 */
export async function versionOf(variable: string, value: string): Promise<string> {
  if (key === undefined) {
    const fresh = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
    ])
    // Another call may have been faster; both have to use the same key. The promise itself is not
    // shared, because on Workers it would belong to one request.
    key ??= fresh
  }
  const text = encoder.encode(`${variable.length}:${variable}${value}`)
  const digest = new Uint8Array(await crypto.subtle.sign('HMAC', key, text))
  return [...digest.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
