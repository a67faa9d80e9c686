function readClaims(token: string): Record<string, unknown> | undefined {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return typeof claims === 'object' && claims !== null
      ? (claims as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Tells for how many seconds an access token is good from now on; `undefined` when it does not say. The
 * SDK drops the life time that the server names, so that the claims of the JWT are all there is.
 *
 * Counted from `iat`, not from the clock of this machine, since one that is ahead would make every
 * fresh token an expired one. The signature is none of our business: the server checks it.
 */
export function tokenLifeSeconds(token: string, now: number): number | undefined {
  const { exp, iat } = readClaims(token) ?? {}
  if (typeof exp !== 'number') return undefined
  const life = exp - (typeof iat === 'number' ? iat : now / 1000)
  return life > 0 ? life : undefined
}
