/** Parameters of one Bearer challenge. */
export interface BearerChallenge {
  /** RFC 6750 section 3.1 code; absent when the request carried no credentials. */
  readonly error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | undefined
  readonly errorDescription?: string | undefined
  /** Scopes of the operation that was refused. */
  readonly scope?: readonly string[] | undefined
  /** Absolute URL of the protected resource metadata (RFC 9728 section 5.1). */
  readonly resourceMetadata?: string | undefined
  /** Optional protection space (RFC 9110 section 11.5). */
  readonly realm?: string | undefined
  /** Repeats the metadata URL as the non-standard `resource_metadata_uri`. Default false. */
  readonly resourceMetadataUri?: boolean | undefined
}

/** Quotes a value and drops everything that RFC 6750 section 3 does not allow in one. */
function quotedString(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '')}"`
}

/**
 * Formats the `WWW-Authenticate` value: one challenge, one space, all values quoted, each attribute
 * once.
 *
 * @example
 * ```ts
 * formatBearerChallenge({ scope: ['read'], resourceMetadata: 'https://mcp.example/.well-known/oauth-protected-resource/mcp' })
 * ```
 *
 * @see RFC 6750 section 3, RFC 9728 section 5.1
 */
export function formatBearerChallenge(challenge: BearerChallenge): string {
  const { error, errorDescription, scope, resourceMetadata, realm } = challenge
  const parameters: [name: string, value: string][] = []

  if (realm !== undefined) parameters.push(['realm', realm])
  if (error !== undefined) parameters.push(['error', error])
  if (scope !== undefined && scope.length > 0) parameters.push(['scope', scope.join(' ')])
  if (resourceMetadata !== undefined) {
    parameters.push(['resource_metadata', resourceMetadata])
    if (challenge.resourceMetadataUri === true) {
      parameters.push(['resource_metadata_uri', resourceMetadata])
    }
  }
  // Last, because some clients search the whole header for `scope=` and would find it in the text.
  if (errorDescription !== undefined) parameters.push(['error_description', errorDescription])

  if (parameters.length === 0) return 'Bearer'
  return `Bearer ${parameters.map(([name, value]) => `${name}=${quotedString(value)}`).join(', ')}`
}
