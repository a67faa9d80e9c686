const UNRESOLVED = [
  /^\$\{[^}]*\}$/, // shells, Compose, dotenv
  /^\$\([^)]*\)$/, // Kubernetes manifests
  /^\$[A-Z_][A-Z0-9_]*$/,
  /^\{\{[^}]*\}\}$/, // templates
]
// The look-arounds leave one way to read a run of marks, so that a long text takes linear time.
const MASKED = /^\S{0,8}(?<![*\u2022])[*\u2022]{3,}(?![*\u2022])\S{0,8}$/
const REDACTED = /^[[<(]?redacted[\]>)]?$/i

/**
 * Tells why a text cannot be a real secret: it is empty, an unresolved placeholder such as
 * `${CODA_API_TOKEN}`, or a value that was masked for display. `undefined` for anything else.
 *
 * For values that people supply by configuration or migration. A store accepts such texts, because
 * they may be meant.
 */
export function placeholderReason(value: string): string | undefined {
  if (value === '') return 'is empty'
  if (value.trim() === '') return 'is only white space'
  const text = value.trim()
  if (UNRESOLVED.some((pattern) => pattern.test(text))) return 'is an unresolved placeholder'
  if (MASKED.test(text) || REDACTED.test(text)) return 'is a masked value, not the secret itself'
  return undefined
}
