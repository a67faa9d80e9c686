/**
 * Names of the cookies. On https `__Host-` where the path is `/`, and `__Secure-` where the engine
 * sets a path; plain names on http, which is loopback only.
 */
export function cookieNames(issuer: string): {
  readonly session: string
  readonly interaction: string
  readonly resume: string
  readonly browser: string
} {
  const isSecure = issuer.startsWith('https:')
  const host = isSecure ? '__Host-' : ''
  const secure = isSecure ? '__Secure-' : ''
  return {
    session: `${host}mcp_auth_session`,
    interaction: `${secure}mcp_auth_interaction`,
    resume: `${secure}mcp_auth_resume`,
    browser: `${host}mcp_auth_browser`,
  }
}

/** Reads one cookie of a request. Of several with one name the first counts, as browsers order them. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}

/** Formats a cookie as all of ours are. Without `maxAge`, in seconds, it ends with the browser. */
export function formatCookie(
  issuer: string,
  name: keyof ReturnType<typeof cookieNames>,
  value: string,
  { path = '/', maxAge }: { readonly path?: string; readonly maxAge?: number } = {},
): string {
  const secure = issuer.startsWith('https:') ? '; Secure' : ''
  const age = maxAge === undefined ? '' : `; Max-Age=${maxAge}`
  return `${cookieNames(issuer)[name]}=${value}; Path=${path}; HttpOnly; SameSite=Lax${secure}${age}`
}

/** Formats the cookie that binds forms and federation to one browser. */
export function formatBrowserCookie(issuer: string, value: string): string {
  return formatCookie(issuer, 'browser', value)
}
