/*
 * The peers that the doctor looks at, with their versions and how each is set up. `configuration` says
 * what the server under `servers/` does, `otherwise` what the peer offers besides, both as of the version.
 * Each is installed by itself, since what they depend on conflicts.
 */

const OUR_ISSUER =
  'The authorization server is the one of our own tests, at which the doctor finds nothing.'

/** The peers in the order of the page. `node` is the major version that each needs. */
export const PEERS = [
  {
    id: 'sdk-v2',
    name: 'MCP TypeScript SDK v2',
    about: ['@modelcontextprotocol/express', '@modelcontextprotocol/server'],
    packages: {
      '@modelcontextprotocol/express': '2.0.2',
      '@modelcontextprotocol/node': '2.1.2',
      '@modelcontextprotocol/server': '2.4.0',
      express: '5.3.0',
      jose: '6.2.17',
    },
    node: 20,
    configuration: `\`createMcpExpressApp\`, \`mcpAuthMetadataRouter\` and \`requireBearerAuth\` with a verifier of jose. ${OUR_ISSUER}`,
    otherwise:
      'CORS for the MCP endpoint and a second copy of the metadata at the root are a few lines of Express.',
  },
  {
    id: 'sdk-v1',
    name: 'MCP TypeScript SDK v1, demo of `mcpAuthRouter`',
    about: ['@modelcontextprotocol/sdk'],
    packages: { '@modelcontextprotocol/sdk': '1.32.2', express: '5.3.0' },
    node: 20,
    configuration:
      'The authorization server of its examples (`demoInMemoryOAuthProvider`), which says of itself that it is for demonstrations, beside `mcpAuthMetadataRouter` and `requireBearerAuth`.',
    otherwise:
      'What a provider issues, lists and matches is code of whoever writes one; the router brings the endpoints and the metadata.',
  },
  {
    id: 'mcp-use',
    name: 'mcp-use',
    about: ['mcp-use'],
    packages: { 'mcp-use': '2.5.2' },
    node: 24,
    configuration: `\`MCPServer\` with \`oauthCustomProvider\` and \`createJwtVerifier\`. ${OUR_ISSUER}`,
    otherwise: '`cors` lets browsers in and is off by default.',
  },
  {
    id: 'mcp-auth',
    name: 'mcp-auth (Logto)',
    about: ['mcp-auth'],
    packages: { '@modelcontextprotocol/sdk': '1.32.2', 'mcp-auth': '0.2.0', express: '5.3.0' },
    node: 20,
    configuration: `\`protectedResources\` with \`protectedResourceMetadataRouter\` and \`bearerAuth('jwt')\` on Express. ${OUR_ISSUER}`,
    otherwise:
      'Its README shows the older mode (`server`) instead, which publishes no metadata of the resource.',
  },
  {
    id: 'fastmcp',
    name: 'FastMCP (TypeScript)',
    about: ['fastmcp'],
    packages: { fastmcp: '4.20.16' },
    node: 20,
    configuration:
      'Its OAuth proxy (`OAuthProvider`) with an upstream server that knows it as one client, as its guide shows, and its own consent page.',
    otherwise:
      '`allowedRedirectUriPatterns` of the provider admits hosted clients. `allowPlainPkce: false` and `enableCimd` are options of the `OAuthProxy` below it, which can be used by itself.',
  },
  {
    id: 'better-auth',
    name: 'better-auth with its MCP plugin',
    about: ['better-auth', '@better-auth/mcp'],
    packages: {
      '@better-auth/mcp': '1.7.5',
      '@better-auth/oauth-provider': '1.7.5',
      'better-auth': '1.7.5',
    },
    flags: ['--legacy-peer-deps'],
    node: 24,
    configuration:
      '`mcp()` and `jwt()` on SQLite with registration switched on, since its companion for client documents (`@better-auth/cimd`) has a release candidate only, and the limit of registrations switched off. The pages for sign-in and consent are left to the reader; ours sign in one user and approve.',
    otherwise:
      'Registration is off by default. A refresh token that was used can be used again for 30 seconds, as its documentation says; DR-21 is about two uses at the same moment, of which one is refused while the other is under way.',
  },
  {
    id: 'mcp-framework',
    name: 'mcp-framework',
    about: ['mcp-framework'],
    packages: { '@modelcontextprotocol/sdk': '1.32.2', 'mcp-framework': '0.2.22', zod: '3.25.76' },
    node: 20,
    configuration: `\`OAuthAuthProvider\` with keys from an address, transport \`http-stream\`. ${OUR_ISSUER}`,
    otherwise: 'What browsers may send and see is an option of the transport (`cors`).',
  },
  {
    id: 'workers-oauth-provider',
    name: '@cloudflare/workers-oauth-provider',
    about: ['@cloudflare/workers-oauth-provider'],
    packages: {
      '@cloudflare/workers-oauth-provider': '1.2.3',
      esbuild: '0.28.2',
      miniflare: '4.20260401.0',
    },
    node: 20,
    configuration:
      '`OAuthProvider` in one Worker under miniflare, with registration and client documents switched on. The page of `/authorize` is left to the reader; ours approves for one user.',
    otherwise:
      'Registration and client documents are off by default. The changelog in its repository has `invalid_grant` for DR-22 from 1.2.4 on, which was not on npm at the date of this run.',
  },
]
