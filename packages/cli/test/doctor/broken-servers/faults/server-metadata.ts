import { json, page, redirect } from '../exchange.js'
import type { Fault } from '../fault.js'
import { resourceMetadataWith, serverMetadataWith } from '../replacements.js'

const isServerMetadata = (path: string): boolean =>
  path.includes('oauth-authorization-server') || path.includes('openid-configuration')

/** DR-7. "Issuer mismatch in authorization server metadata". */
const otherIssuer: readonly Fault[] = [
  {
    check: 'DR-7',
    server: 'is named with a slash that its issuer does not have',
    status: 'failed',
    replacement: resourceMetadataWith(({ issuer }) => ({ authorization_servers: [`${issuer}/`] })),
  },
  {
    check: 'DR-7',
    server: 'has a slash at the end of its issuer that the resource leaves out',
    status: 'failed',
    replacement: serverMetadataWith(({ issuer }) => ({ issuer: `${issuer}/` })),
  },
  {
    check: 'DR-7',
    server: 'has the issuer of another host',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ issuer: 'https://accounts.example.net' })),
  },
  {
    check: 'DR-7',
    server: 'has a template for its issuer',
    status: 'failed',
    replacement: serverMetadataWith(({ issuer }) => ({ issuer: `${issuer}/{tenantid}/v2.0` })),
  },
  {
    check: 'DR-7',
    server: 'has an issuer that is no URL',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ issuer: 'login.example.com' })),
  },
  {
    check: 'DR-7',
    server: 'names no authorization server',
    status: 'failed',
    replacement: resourceMetadataWith(() => ({ authorization_servers: [] })),
  },
  {
    check: 'DR-7',
    server: 'expects tokens of an issuer that its metadata does not name',
    status: 'warning',
    means: () => ({ config: { OIDC_ISSUER: 'https://accounts.example.net' } }),
  },
]

/** DR-8. It works in one client, and is 404 in another. */
const misplaced: readonly Fault[] = [
  {
    check: 'DR-8',
    server: 'has its metadata behind the path of its issuer only',
    status: 'warning',
    layout: { issuerPath: '/tenant' },
    replacement: { serverMetadataPaths: () => ['/tenant/.well-known/openid-configuration'] },
  },
  {
    check: 'DR-8',
    server: 'has no metadata for the path of its issuer',
    status: 'failed',
    layout: { issuerPath: '/tenant' },
    replacement: { serverMetadataPaths: () => ['/.well-known/oauth-authorization-server'] },
  },
  {
    check: 'DR-8',
    server: 'has no authorization server metadata',
    status: 'failed',
    replacement: { serverMetadataPaths: () => [] },
  },
  {
    check: 'DR-8',
    server: 'answers 500 where its metadata should be',
    status: 'failed',
    replacement: {
      proxy: (answer, { path }) =>
        isServerMetadata(path) ? json(500, { error: 'server_error' }) : answer,
    },
  },
]

/** DR-11. Errors of Zod in clients of the SDK. */
const wrongShapes: readonly Fault[] = [
  {
    check: 'DR-11',
    server: 'names something as its resource that is no URL',
    status: 'failed',
    replacement: resourceMetadataWith(() => ({ resource: 'notes' })),
  },
  {
    check: 'DR-11',
    server: 'has null for an endpoint that it does not have',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ revocation_endpoint: null })),
  },
  {
    check: 'DR-11',
    server: 'has null for its registration endpoint',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ registration_endpoint: null })),
  },
  {
    check: 'DR-11',
    server: 'leaves response_types_supported out',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ response_types_supported: undefined })),
  },
  {
    check: 'DR-11',
    server: 'leaves its token endpoint out',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ token_endpoint: undefined })),
  },
  {
    check: 'DR-11',
    server: 'has its scopes in a string',
    status: 'failed',
    replacement: serverMetadataWith(() => ({ scopes_supported: 'notes.read offline_access' })),
  },
  {
    check: 'DR-11',
    server: 'has null in the metadata of its resource',
    status: 'failed',
    replacement: resourceMetadataWith(() => ({ resource_documentation: null })),
  },
  {
    check: 'DR-11',
    server: 'answers a registration with a secret that is null',
    status: 'failed',
    means: () => ({ active: true }),
    replacement: {
      registration: ({ document }) => json(201, { client_secret: null, ...document }),
    },
  },
  {
    check: 'DR-11',
    server: 'leaves the redirect URIs out of the answer to a registration',
    status: 'failed',
    means: () => ({ active: true }),
    replacement: {
      registration: ({ document }) => json(201, { ...document, redirect_uris: undefined }),
    },
  },
]

/** DR-24. `AADSTS9010010`. */
const entra: readonly Fault[] = [
  {
    check: 'DR-24',
    server: 'sends clients to Microsoft Entra itself',
    status: 'failed',
    layout: {
      issuerPath: '/11111111-2222-3333-4444-555555555555/v2.0',
      names: {
        resource: 'https://notes.example.com',
        authorization: 'https://login.microsoftonline.com',
      },
    },
  },
]

/** DR-32. Discovery is sent elsewhere. */
const redirected: readonly Fault[] = [
  {
    check: 'DR-32',
    server: 'sends the metadata of its resource to another host',
    status: 'failed',
    replacement: {
      proxy: (answer, { path }) =>
        path.includes('oauth-protected-resource')
          ? redirect(`https://www.example.com${path}`, 301)
          : answer,
    },
  },
  {
    check: 'DR-32',
    server: 'sends the metadata of its authorization server to another host',
    status: 'failed',
    replacement: {
      proxy: (answer, { path }) =>
        isServerMetadata(path) && answer.status === 200
          ? redirect(`https://www.example.com${path}`, 308)
          : answer,
    },
  },
  {
    check: 'DR-32',
    server: 'adds a slash to the address of its metadata',
    status: 'failed',
    replacement: {
      proxy: (answer, { path }) =>
        path.includes('oauth-protected-resource') ? redirect(`${path}/`, 301) : answer,
    },
  },
]

/** Servers whose metadata of the authorization server is wrong. */
export const SERVER_METADATA_FAULTS: readonly Fault[] = [
  ...otherIssuer,
  ...misplaced,
  ...wrongShapes,
  ...entra,
  ...redirected,
]

/** A page where a document should be, which is the fault of DR-6 at the other server. */
export const SERVER_PAGES: readonly Fault[] = [
  {
    check: 'DR-6',
    server: 'answers with a page where the metadata of its authorization server should be',
    status: 'failed',
    replacement: {
      proxy: (answer, { path }) => (isServerMetadata(path) ? page(200, 'Sign in') : answer),
    },
  },
]
