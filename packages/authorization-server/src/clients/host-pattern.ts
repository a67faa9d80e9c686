const PATTERN = /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

/** Tells whether text can be used as a host pattern: a host in lower case, `*.` in front for subdomains. */
export function isHostPattern(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 253 && PATTERN.test(text)
}

/** Tells whether a host is one of `patterns`. `*.c.example` means subdomains only, not `c.example`. */
export function matchesHost(patterns: readonly string[], hostname: string): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern,
  )
}
