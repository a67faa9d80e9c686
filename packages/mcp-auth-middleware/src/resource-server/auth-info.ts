import type { Principal } from '../principal.js'

/**
 * The verified caller in the MCP SDK's own shape, as `req.auth` and `ctx.http.authInfo`. Fits the
 * `AuthInfo` of SDK v1 and v2 structurally. Fresh for each request and frozen.
 */
export interface AuthInfo {
  /**
   * The access token as presented. Not enumerable, so that logging or serialising this object does
   * not reveal it. Never send it to another service.
   */
  readonly token: string
  /** The client's identifier, or the subject when the credential names no client. */
  readonly clientId: string
  /** Scopes of the credential, without the implied ones. */
  readonly scopes: string[]
  /** End of validity in epoch seconds. */
  readonly expiresAt?: number
  /** The resource that the credential was accepted for. */
  readonly resource?: URL
  /** Where this resource's metadata is, for the SDK's own step-up challenges. */
  readonly resourceMetadataUrl?: string
  /** `principal` is the verified {@link Principal}. */
  readonly extra: Record<string, unknown> & { readonly principal: Principal }
}

// One getter for each configured resource: objects that share it share a hidden class, which makes a
// cached request a sixth cheaper than a getter of its own for each.
const resourceProperties = new Map<string, PropertyDescriptor>()

function resourceProperty(resource: string): PropertyDescriptor {
  const known = resourceProperties.get(resource)
  if (known !== undefined) return known
  // A URL object cannot be frozen, so each reader gets an own one.
  const property = { get: () => new URL(resource), enumerable: true }
  resourceProperties.set(resource, property)
  return property
}

/**
 * Builds the frozen AuthInfo of one request.
 *
 * @param resource - identifier from the configuration, never from a request: it is remembered.
 */
export function createAuthInfo(
  credential: string,
  principal: Principal,
  resource: string,
  resourceMetadata: string | undefined,
): AuthInfo {
  const info: { -readonly [Name in keyof AuthInfo]?: AuthInfo[Name] } = {
    clientId: principal.clientId ?? principal.subject,
    // Frozen with the principal; the SDK's type is a mutable array.
    scopes: principal.scopes as string[],
    extra: Object.freeze({ principal }),
  }
  if (principal.expiresAt !== undefined) info.expiresAt = principal.expiresAt
  if (resourceMetadata !== undefined) info.resourceMetadataUrl = resourceMetadata
  Object.defineProperty(info, 'resource', resourceProperty(resource))
  Object.defineProperty(info, 'token', { value: credential })
  return Object.freeze(info) as AuthInfo
}

/**
 * Returns the verified caller in `extra` of an SDK `authInfo`, or `undefined` when it was not made by this
 * package's guard.
 *
 * @example
 * ```ts
 * const caller = principalOf(ctx.http?.authInfo)
 * if (caller !== undefined) audit(caller.issuer, caller.subject)
 * ```
 */
export function principalOf(
  authInfo: { readonly extra?: Readonly<Record<string, unknown>> | undefined } | undefined,
): Principal | undefined {
  const principal = authInfo?.extra?.principal
  if (typeof principal !== 'object' || principal === null) return undefined
  const { issuer, subject } = principal as Partial<Principal>
  if (typeof issuer !== 'string' || typeof subject !== 'string' || subject === '') return undefined
  // The one boundary where the SDK's open record becomes our type again.
  return principal as Principal
}
