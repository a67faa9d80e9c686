import type { ConfigurationProblem } from '../errors.js'

/** Decides which browser origins and which `Host` values a resource answers. */
export interface OriginPolicy {
  /** Whether every origin is allowed, so that answers do not depend on it. */
  readonly anyOrigin: boolean
  allowsOrigin(origin: string): boolean
  allowsHost(host: string | undefined): boolean
}

/**
 * A `Host` value in the form of `URL.host`: lower case, without the default port of the resource's
 * scheme. Anything that is not a host is returned as it is, and equals none.
 */
export function normalizeHost(host: string | undefined, protocol: string): string | undefined {
  const name = host?.toLowerCase()
  const defaultPort = protocol === 'https:' ? ':443' : ':80'
  return name?.endsWith(defaultPort) === true ? name.slice(0, -defaultPort.length) : name
}

/** Whether a host name means this machine: `localhost`, `127.0.0.0/8` or `[::1]`. */
export function isLoopbackHost(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  )
}

function hostnameOf(host: string): string | undefined {
  // Only host[:port]; anything else is not what a browser or a client sends.
  if (!/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host)) return undefined
  try {
    return new URL(`http://${host}`).hostname
  } catch {
    return undefined
  }
}

function originOf(origin: string): URL | undefined {
  try {
    const url = new URL(origin)
    return (url.protocol === 'https:' || url.protocol === 'http:') && url.origin === origin
      ? url
      : undefined
  } catch {
    return undefined
  }
}

/** Reports entries that are not origins, such as a URL with a path. */
export function checkOrigins(path: string, origins: readonly string[]): ConfigurationProblem[] {
  return origins.flatMap((origin, index) =>
    originOf(origin) === undefined
      ? [
          {
            path: `${path}[${index}]`,
            message: 'is not an origin; write scheme://host[:port] without a path or a slash',
          },
        ]
      : [],
  )
}

/**
 * Builds the Host and Origin rule of one resource.
 *
 * A loopback resource accepts loopback hosts and origins only, which stops DNS rebinding. A public
 * resource accepts any origin for Bearer credentials, which browsers never attach by themselves, and
 * only its own origin as soon as a cookie is read.
 *
 * @see MCP Streamable HTTP transport, security warning
 */
export function createOriginPolicy(options: {
  readonly resource: URL
  readonly allowedOrigins: readonly string[] | undefined
  readonly allowedHosts: readonly string[] | undefined
  readonly readsCookies: boolean
}): OriginPolicy {
  const { resource, readsCookies } = options
  const loopback = isLoopbackHost(resource.hostname)
  const origins = options.allowedOrigins === undefined ? undefined : new Set(options.allowedOrigins)
  const hosts =
    options.allowedHosts === undefined
      ? undefined
      : new Set([
          resource.host,
          ...options.allowedHosts.map((host) => normalizeHost(host, resource.protocol)),
        ])

  return {
    anyOrigin: origins === undefined && !loopback && !readsCookies,
    allowsOrigin(origin) {
      if (origins !== undefined) return origins.has(origin)
      if (loopback) {
        const url = originOf(origin)
        return url !== undefined && isLoopbackHost(url.hostname)
      }
      return readsCookies ? origin === resource.origin : true
    },
    allowsHost(host) {
      if (host !== undefined && hosts?.has(normalizeHost(host, resource.protocol)) === true)
        return true
      if (loopback) {
        const hostname = host === undefined ? undefined : hostnameOf(host)
        return hostname !== undefined && isLoopbackHost(hostname)
      }
      return hosts === undefined
    },
  }
}
