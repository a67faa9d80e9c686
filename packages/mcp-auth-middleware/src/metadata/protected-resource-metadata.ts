/** Protected resource metadata document (RFC 9728 section 2), with the RFC's own member names. */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly authorization_servers: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
  readonly resource_name?: string
  readonly resource_documentation?: string
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/**
 * Where the metadata of a resource is.
 *
 * The standard place is the well-known path followed by the resource's own path (RFC 9728 section
 * 3.1). Behind a proxy that strips a prefix, only addresses below that prefix are sure to arrive, so
 * the challenge names the one below it; the standard place is served as well.
 */
export function metadataLocations(
  url: URL,
  localPath: string,
): { readonly metadataUrl: string; readonly metadataPaths: readonly string[] } {
  const path = url.pathname === '/' ? '' : url.pathname
  const local = localPath === '/' ? '' : localPath
  const stripped = path.endsWith(local) ? path.slice(0, path.length - local.length) : ''
  return {
    metadataUrl: `${url.origin}${stripped}${WELL_KNOWN}${stripped === '' ? path : local}`,
    metadataPaths: [...new Set([`${WELL_KNOWN}${path}`, `${WELL_KNOWN}${local}`])],
  }
}

/** Local path of the document for clients that look at the root only. */
export const ROOT_METADATA_PATH = WELL_KNOWN
