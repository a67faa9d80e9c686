const DIGEST = /^sha256:[0-9a-f]{64}$/i

/**
 * Reads a digest as written in configuration, `sha256:` and 64 hexadecimal digits, and returns it in
 * the form that requests are compared in: SHA-256 as base64url. `undefined` for anything else.
 */
export function parseTokenDigest(text: string): string | undefined {
  if (!DIGEST.test(text)) return undefined
  let binary = ''
  for (let at = 'sha256:'.length; at < text.length; at += 2) {
    binary += String.fromCharCode(Number.parseInt(text.slice(at, at + 2), 16))
  }
  return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replaceAll('=', '')
}

/** Writes a base64url SHA-256 the way configuration spells it: `sha256:` and 64 hexadecimal digits. */
export function formatTokenDigest(digest: string): string {
  const binary = atob(digest.replace(/-/g, '+').replace(/_/g, '/'))
  let hex = ''
  for (const character of binary) hex += character.charCodeAt(0).toString(16).padStart(2, '0')
  return `sha256:${hex}`
}

/**
 * Compares two digests, 1 for equal and 0 for not, in time that does not depend on where they differ.
 * Digests of unequal length are unequal; the length of a digest is no secret.
 */
export function equalDigests(left: string, right: string): 0 | 1 {
  if (left.length !== right.length) return 0
  let difference = 0
  for (let at = 0; at < left.length; at += 1) {
    difference |= left.charCodeAt(at) ^ right.charCodeAt(at)
  }
  return difference === 0 ? 1 : 0
}

/**
 * Finds a digest among configured ones and returns its position, or -1. Every entry is compared,
 * also after a match, so that the time taken says neither whether nor where it matched. The entries
 * must be distinct.
 */
export function findDigest(
  entries: readonly string[],
  digest: string,
  equal: (left: string, right: string) => 0 | 1 = equalDigests,
): number {
  let position = -1
  for (const [index, entry] of entries.entries()) {
    // Arithmetic instead of a branch: exactly one entry can add something.
    position += equal(entry, digest) * (index + 1)
  }
  return position
}
