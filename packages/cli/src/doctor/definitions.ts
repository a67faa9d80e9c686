import type { CheckDefinition } from './check.js'
import { CLIENT_IDS, type ClientId } from './clients.js'

const EVERYONE: readonly ClientId[] = CLIENT_IDS

/** Clients whose requests come from the machines of their vendor. */
const HOSTED: readonly ClientId[] = ['chatgpt', 'claude']

/** Clients that ask for a client id metadata document before they register. */
const WITH_DOCUMENT: readonly ClientId[] = ['chatgpt', 'claude', 'claude-code', 'vscode']

/** Clients that take the answer of the sign-in on a port of the user's machine. */
const ON_LOOPBACK: readonly ClientId[] = [
  'claude-code',
  'cursor',
  'vscode',
  'inspector',
  'mcp-remote',
]

/** Every check. What each one looks at is in the file of its group in `checks/`. */
export const CHECKS = {
  'DR-1': {
    title: 'A request without a token is answered with 401 and a usable Bearer challenge',
    severity: 'error',
    group: 'Challenge',
    breaks: EVERYONE,
  },
  'DR-2': {
    title: 'The challenge names the metadata by an absolute URL of the same origin',
    severity: 'error',
    group: 'Challenge',
    breaks: EVERYONE,
  },
  'DR-3': {
    title: 'Public URLs do not depend on the request, and carry the public scheme and host',
    severity: 'error',
    group: 'Challenge',
    breaks: EVERYONE,
  },
  'DR-4': {
    title: 'The metadata names exactly the URL that people enter as its resource',
    severity: 'error',
    group: 'Protected resource metadata',
    breaks: EVERYONE,
  },
  'DR-5': {
    title: 'The resource metadata is at both well-known places, and is the same document',
    severity: 'error',
    group: 'Protected resource metadata',
    breaks: EVERYONE,
  },
  'DR-6': {
    title: 'Well-known paths answer JSON, and 404 where there is nothing',
    severity: 'error',
    group: 'Protected resource metadata',
    breaks: EVERYONE,
  },
  'DR-7': {
    title: 'The issuer of the authorization server is the one that the resource names',
    severity: 'error',
    group: 'Authorization server metadata',
    breaks: ['claude-code', 'inspector', 'mcp-remote'],
  },
  'DR-8': {
    title: 'The authorization server metadata is where clients look for it',
    severity: 'error',
    group: 'Authorization server metadata',
    breaks: EVERYONE,
  },
  'DR-9': {
    title: 'Clients can register, or bring a client id metadata document',
    severity: 'error',
    group: 'Registration',
    breaks: EVERYONE,
  },
  'DR-10': {
    title: 'PKCE with S256 is advertised, works, and cannot be downgraded to plain',
    severity: 'error',
    group: 'Authorization and tokens',
    breaks: EVERYONE,
  },
  'DR-11': {
    title: 'Metadata and registration answers have the shape that SDK clients require',
    severity: 'error',
    group: 'Authorization server metadata',
    breaks: ['claude', 'claude-code', 'cursor', 'inspector', 'mcp-remote'],
  },
  'DR-12': {
    title: 'Registration answers 201',
    severity: 'warning',
    group: 'Registration',
    breaks: ['claude'],
    needs: 'active',
  },
  'DR-13': {
    title: 'Registration takes the lists of redirect URIs that Cursor and VS Code send',
    severity: 'error',
    group: 'Registration',
    breaks: ['cursor', 'vscode'],
    needs: 'active',
  },
  'DR-14': {
    title: 'Loopback redirect URIs match on any port, and on nothing else',
    severity: 'error',
    group: 'Authorization and tokens',
    breaks: ON_LOOPBACK,
    needs: 'active',
  },
  'DR-15': {
    title: 'The documents that clients use as their id can be fetched from here',
    severity: 'error',
    group: 'Registration',
    breaks: WITH_DOCUMENT,
    needs: 'config',
  },
  'DR-16': {
    title: 'The documents of ChatGPT and Claude are accepted as clients',
    severity: 'error',
    group: 'Registration',
    breaks: HOSTED,
    needs: 'active',
  },
  'DR-17': {
    title: 'Whoever takes client id metadata documents also takes public clients',
    severity: 'warning',
    group: 'Registration',
    breaks: ['claude'],
  },
  'DR-18': {
    title: 'The scopes of the resource, and offline_access, can be asked for',
    severity: 'error',
    group: 'Authorization and tokens',
    breaks: ['claude', 'claude-code', 'inspector', 'mcp-remote'],
  },
  'DR-19': {
    title: 'A client that registers without scopes gets the default ones',
    severity: 'error',
    group: 'Registration',
    breaks: ['claude', 'claude-code'],
    needs: 'active',
  },
  'DR-20': {
    title: 'Refresh tokens are offered',
    severity: 'warning',
    group: 'Authorization and tokens',
    breaks: ['chatgpt', 'claude', 'claude-code', 'vscode'],
  },
  'DR-21': {
    title: 'A refresh token survives a second, parallel use',
    severity: 'warning',
    group: 'Authorization and tokens',
    breaks: ['claude', 'claude-code'],
    needs: 'active',
  },
  'DR-22': {
    title: 'A refresh works for its resource, and is invalid_grant for another one',
    severity: 'error',
    group: 'Authorization and tokens',
    breaks: ['claude-code', 'inspector', 'mcp-remote'],
    needs: 'active',
  },
  'DR-23': {
    title: 'Browsers can read the metadata, the challenge and the answers (CORS)',
    severity: 'error',
    group: 'Browsers, proxies and firewalls',
    breaks: ['inspector'],
  },
  'DR-24': {
    title: 'The authorization server takes the resource parameter (Microsoft Entra)',
    severity: 'error',
    group: 'Authorization server metadata',
    breaks: EVERYONE,
  },
  'DR-25': {
    title: 'The token is for this server',
    severity: 'error',
    group: 'Authorization and tokens',
    breaks: EVERYONE,
    needs: 'token',
  },
  'DR-26': {
    title: 'No firewall keeps the clients of vendors away',
    severity: 'error',
    group: 'Browsers, proxies and firewalls',
    breaks: HOSTED,
  },
  'DR-27': {
    title: 'GET and HEAD without a token are answered like POST',
    severity: 'warning',
    group: 'Challenge',
    breaks: ['claude', 'mcp-remote'],
  },
  'DR-28': {
    title: 'The resource names one authorization server',
    severity: 'warning',
    group: 'Protected resource metadata',
    breaks: ['claude', 'claude-code', 'vscode', 'inspector', 'mcp-remote'],
  },
  'DR-29': {
    title: 'Answers of the sign-in carry the issuer (RFC 9207)',
    severity: 'error',
    group: 'Authorization and tokens',
    breaks: ['chatgpt', 'claude-code', 'inspector', 'mcp-remote'],
  },
  'DR-30': {
    title: 'Cloudflare Access lets clients reach the challenge',
    severity: 'error',
    group: 'Browsers, proxies and firewalls',
    breaks: EVERYONE,
  },
  'DR-31': {
    title: 'A token that is no good is answered with a challenge, not with an end',
    severity: 'warning',
    group: 'Challenge',
    breaks: ['claude-code', 'cursor', 'vscode', 'mcp-remote'],
  },
  'DR-32': {
    title: 'Metadata is not redirected',
    severity: 'error',
    group: 'Authorization server metadata',
    breaks: ['claude-code', 'inspector', 'mcp-remote'],
  },
} as const satisfies Readonly<Record<string, CheckDefinition>>
