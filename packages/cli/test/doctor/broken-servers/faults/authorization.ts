import { active, type Fault } from '../fault.js'
import { healthy } from '../healthy.js'
import { serverMetadataWith } from '../replacements.js'

const originAndPath = (uri: string): string => {
  const { protocol, hostname, pathname } = new URL(uri)
  return `${protocol}//${hostname}${pathname}`
}

/** DR-10. "Must advertise PKCE support with code_challenge_methods_supported containing S256". */
const pkce: readonly Fault[] = [
  {
    check: 'DR-10',
    server: 'does not advertise PKCE',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ code_challenge_methods_supported: undefined })),
  },
  {
    check: 'DR-10',
    server: 'advertises plain only',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ code_challenge_methods_supported: ['plain'] })),
  },
  {
    check: 'DR-10',
    server: 'advertises no method of PKCE',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ code_challenge_methods_supported: [] })),
  },
  {
    check: 'DR-10',
    server: 'takes a challenge by plain',
    status: 'failed',
    means: active,
    replacement: {
      acceptsCodeChallenge: (challenge, method) =>
        method === 'plain' || healthy.acceptsCodeChallenge(challenge, method),
      verifiesCode: (challenge, verifier) =>
        challenge === verifier || healthy.verifiesCode(challenge, verifier),
    },
  },
  {
    check: 'DR-10',
    server: 'redeems a code by any verifier',
    status: 'failed',
    means: active,
    replacement: { verifiesCode: () => true },
  },
  {
    check: 'DR-10',
    server: 'compares the verifier with S256 in another encoding',
    status: 'failed',
    means: active,
    replacement: { verifiesCode: (challenge, verifier) => challenge === verifier },
  },
]

/** DR-14. "Redirect URI does not match" for clients on people's machines. */
const redirectUris: readonly Fault[] = [
  {
    check: 'DR-14',
    server: 'compares the port of a loopback address',
    status: 'failed',
    means: active,
    replacement: { matchesRedirectUri: (registered, asked) => registered.includes(asked) },
  },
  {
    check: 'DR-14',
    server: 'compares the port of localhost, and of 127.0.0.1 not',
    status: 'failed',
    means: active,
    replacement: {
      matchesRedirectUri: (registered, asked) =>
        asked.startsWith('http://localhost:')
          ? registered.includes(asked)
          : healthy.matchesRedirectUri(registered, asked),
    },
  },
  {
    check: 'DR-14',
    server: 'takes any path of a loopback address',
    status: 'failed',
    means: active,
    replacement: {
      matchesRedirectUri: (registered, asked) =>
        healthy.matchesRedirectUri(registered, asked) ||
        registered.some((uri) => new URL(uri).hostname === new URL(asked).hostname),
    },
  },
  {
    check: 'DR-14',
    server: 'takes any host with the right path',
    status: 'failed',
    means: active,
    replacement: {
      matchesRedirectUri: (registered, asked) =>
        registered.some((uri) => new URL(uri).pathname === new URL(asked).pathname),
    },
  },
  {
    check: 'DR-14',
    server: 'takes localhost for 127.0.0.1',
    status: 'failed',
    means: active,
    replacement: {
      matchesRedirectUri: (registered, asked) =>
        registered.some(
          (uri) =>
            originAndPath(uri).replace('localhost', '127.0.0.1') ===
            originAndPath(asked).replace('localhost', '127.0.0.1'),
        ),
    },
  },
]

/** DR-18. `invalid_scope` at the sign-in. */
const scopes: readonly Fault[] = [
  {
    check: 'DR-18',
    server: 'lists offline_access and refuses it',
    status: 'failed',
    means: active,
    replacement: {
      grantedScopes: (client, asked) =>
        asked.includes('offline_access') ? undefined : healthy.grantedScopes(client, asked),
    },
  },
  {
    check: 'DR-18',
    server: 'has scopes in its metadata that the authorization server does not grant',
    status: 'failed',
    means: active,
    replacement: {
      grantedScopes: (client, asked) =>
        asked.includes('notes.write') ? undefined : healthy.grantedScopes(client, asked),
    },
  },
  {
    check: 'DR-18',
    server: 'has scopes at its resource that its authorization server does not list',
    status: 'warning',
    replacement: serverMetadataWith(() => ({ scopes_supported: ['openid', 'offline_access'] })),
  },
]

/** DR-29. ChatGPT comes back to another address for each connector. */
const issuerParameter: readonly Fault[] = [
  {
    check: 'DR-29',
    server: 'does not advertise the issuer in its answers',
    status: 'warning',
    replacement: serverMetadataWith(() => ({
      authorization_response_iss_parameter_supported: undefined,
    })),
  },
  {
    check: 'DR-29',
    server: 'denies the issuer in its answers',
    status: 'warning',
    replacement: serverMetadataWith(() => ({
      authorization_response_iss_parameter_supported: false,
    })),
  },
  {
    check: 'DR-29',
    server: 'advertises the issuer and leaves it out',
    status: 'failed',
    means: active,
    replacement: { issuerParameter: () => undefined },
  },
  {
    check: 'DR-29',
    server: 'leaves the issuer out of errors',
    status: 'failed',
    means: active,
    replacement: {
      issuerParameter: ({ issuer }, outcome) => (outcome === 'error' ? undefined : issuer),
    },
  },
  {
    check: 'DR-29',
    server: 'answers with another issuer',
    status: 'failed',
    means: active,
    replacement: { issuerParameter: ({ issuer }) => `${issuer}/` },
  },
]

/** Servers at which clients cannot sign in. */
export const AUTHORIZATION_FAULTS: readonly Fault[] = [
  ...pkce,
  ...redirectUris,
  ...scopes,
  ...issuerParameter,
]
