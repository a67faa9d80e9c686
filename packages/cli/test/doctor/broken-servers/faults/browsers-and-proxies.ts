import { type Answer, empty, json, page, redirect, SILENCE } from '../exchange.js'
import type { Fault } from '../fault.js'
import { healthy } from '../healthy.js'
import type { Endpoint, Replacement } from '../parts.js'

/** Leaves the CORS headers of some endpoints out, of preflights as of answers. */
function closedTo(...endpoints: readonly Endpoint[]): Replacement {
  return {
    corsHeaders: (endpoint) => (endpoints.includes(endpoint) ? {} : healthy.corsHeaders(endpoint)),
    preflight: (endpoint, request) =>
      endpoints.includes(endpoint) ? empty(204) : healthy.preflight(endpoint, request),
  }
}

/** Changes one header of every preflight. */
function preflightWith(headers: Readonly<Record<string, string>>): Replacement {
  return {
    preflight: (endpoint, request) => {
      const answer = healthy.preflight(endpoint, request)
      return { ...answer, headers: { ...answer.headers, ...headers } }
    },
  }
}

/** DR-23. Clients in browsers see a network error and nothing else. */
const closedToBrowsers: readonly Fault[] = [
  {
    check: 'DR-23',
    server: 'has no CORS headers at its endpoint',
    status: 'failed',
    replacement: closedTo('mcp'),
  },
  {
    check: 'DR-23',
    server: 'has no CORS headers at the metadata of its resource',
    status: 'failed',
    replacement: closedTo('resource metadata'),
  },
  {
    check: 'DR-23',
    server: 'has no CORS headers at the metadata of its authorization server',
    status: 'failed',
    replacement: closedTo('server metadata'),
  },
  {
    check: 'DR-23',
    server: 'has no CORS headers at its registration',
    status: 'failed',
    replacement: closedTo('register'),
  },
  {
    check: 'DR-23',
    server: 'has no CORS headers at its token endpoint',
    status: 'failed',
    replacement: closedTo('token'),
  },
  {
    check: 'DR-23',
    server: 'asks preflights for a token',
    status: 'failed',
    replacement: {
      preflight: (endpoint, request) =>
        endpoint === 'mcp'
          ? json(401, { error: 'unauthorized' })
          : healthy.preflight(endpoint, request),
    },
  },
  {
    check: 'DR-23',
    server: 'hides its challenge from browsers',
    status: 'failed',
    replacement: { corsHeaders: () => ({ 'access-control-allow-origin': '*' }) },
  },
  {
    check: 'DR-23',
    server: 'hides the id of a session from browsers, which only servers with sessions send',
    status: 'warning',
    replacement: {
      corsHeaders: () => ({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'WWW-Authenticate',
      }),
    },
  },
  {
    check: 'DR-23',
    server: 'does not let browsers send a token',
    status: 'failed',
    replacement: preflightWith({
      'access-control-allow-headers': 'content-type, mcp-protocol-version, mcp-session-id',
    }),
  },
  {
    check: 'DR-23',
    server: 'does not let browsers send the version of the protocol',
    status: 'failed',
    replacement: preflightWith({ 'access-control-allow-headers': 'authorization, content-type' }),
  },
  {
    check: 'DR-23',
    server: 'is behind something that drops preflights without an answer',
    status: 'failed',
    replacement: { preflight: () => SILENCE },
  },
  {
    check: 'DR-23',
    server: 'is open to one origin of its own only',
    status: 'failed',
    replacement: {
      ...preflightWith({ 'access-control-allow-origin': 'https://app.example.com' }),
      corsHeaders: (endpoint) => ({
        ...healthy.corsHeaders(endpoint),
        'access-control-allow-origin': 'https://app.example.com',
      }),
    },
  },
]

const challengedByCloudflare = (): Answer => {
  const { status, headers, body } = page(403, 'Just a moment...')
  return {
    status,
    headers: { ...headers, server: 'cloudflare', 'cf-mitigated': 'challenge', 'cf-ray': '8f-FRA' },
    body,
  }
}

/** DR-26. A token was issued, and no request arrives. */
const firewalls: readonly Fault[] = [
  {
    check: 'DR-26',
    server: 'is behind a firewall that shows everybody a page to pass',
    status: 'failed',
    replacement: { proxy: () => challengedByCloudflare() },
  },
  {
    check: 'DR-26',
    server: 'is behind a firewall that keeps agents of vendors out',
    status: 'failed',
    replacement: {
      proxy: (answer, { headers }) =>
        /claude|anthropic|chatgpt|openai/i.test(headers['user-agent'] ?? '')
          ? challengedByCloudflare()
          : answer,
    },
  },
  {
    check: 'DR-26',
    server: 'is behind a firewall that drops agents of vendors without an answer',
    status: 'failed',
    replacement: {
      proxy: (answer, { headers }) =>
        /claude|chatgpt/i.test(headers['user-agent'] ?? '') ? SILENCE : answer,
    },
  },
]

const ACCESS = 'https://acme.cloudflareaccess.com/cdn-cgi/access/login/notes.example.com'

/** DR-30. A page of Cloudflare Access, or no tools after the login. */
const access: readonly Fault[] = [
  {
    check: 'DR-30',
    server: 'is behind Cloudflare Access without Managed OAuth',
    status: 'failed',
    replacement: { proxy: () => redirect(`${ACCESS}?kid=0&redirect_url=%2Fmcp`) },
  },
  {
    check: 'DR-30',
    server: 'is behind Cloudflare Access that refuses requests itself',
    status: 'failed',
    replacement: {
      proxy: () => {
        const { status, headers, body } = page(403, 'Forbidden')
        return {
          status,
          headers: { ...headers, 'cf-access-error': 'service_token_required' },
          body,
        }
      },
    },
  },
]

/** Servers that browsers cannot read, and those with something in front that answers for them. */
export const PROXY_FAULTS: readonly Fault[] = [...closedToBrowsers, ...firewalls, ...access]
