/** A `WWW-Authenticate` header as SDK clients read it. */
export interface BearerChallenge {
  /** The whole header. */
  readonly header: string
  /** Scheme of the first challenge as it was written. */
  readonly scheme: string
  /** Whether clients that look at the first challenge only see a Bearer challenge. */
  readonly isBearerFirst: boolean
  /** Whether a Bearer challenge is there at all. */
  readonly hasBearer: boolean
  /** Whether what follows `Bearer` is read by clients that split at the first blank. */
  readonly isReadable: boolean
  readonly resourceMetadata: string | undefined
  /** How often `resource_metadata` is there. */
  readonly resourceMetadataCount: number
  readonly scope: string | undefined
  readonly error: string | undefined
}

function parameterOf(header: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|[\\s,])${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,]+))`, 'i').exec(
    header,
  )
  return match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2]
}

/**
 * Parses a challenge. The rules are those of the MCP SDKs, which read less than RFC 9110 allows: the
 * header is split at blanks, and the first word has to be the scheme.
 */
export function parseBearerChallenge(header: string): BearerChallenge {
  const [scheme = '', next] = header.split(' ')
  const isBearerFirst = scheme.toLowerCase() === 'bearer'
  return {
    header,
    scheme,
    isBearerFirst,
    hasBearer: /(?:^|,\s*)bearer(?:\s|$)/i.test(header),
    isReadable: isBearerFirst && next !== undefined && next !== '',
    resourceMetadata: parameterOf(header, 'resource_metadata'),
    resourceMetadataCount: header.match(/(?:^|[\s,])resource_metadata=/gi)?.length ?? 0,
    scope: parameterOf(header, 'scope'),
    error: parameterOf(header, 'error'),
  }
}
