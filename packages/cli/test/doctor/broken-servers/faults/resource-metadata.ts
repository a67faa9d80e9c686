import { page, redirect } from '../exchange.js'
import type { Fault } from '../fault.js'
import { healthy, resourceMetadataUrl } from '../healthy.js'
import { challengeNaming, resourceMetadataWith } from '../replacements.js'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** DR-4. VS Code and Claude refuse the metadata. */
const otherResource: readonly Fault[] = [
  {
    check: 'DR-4',
    server: 'names its origin as the resource',
    status: 'failed',
    replacement: resourceMetadataWith(({ resource }) => ({ resource: new URL(resource).origin })),
  },
  {
    check: 'DR-4',
    server: 'names its resource with a slash at the end',
    status: 'failed',
    replacement: resourceMetadataWith(({ resource }) => ({ resource: `${resource}/` })),
  },
  {
    check: 'DR-4',
    server: 'writes the scheme of its resource in capitals',
    status: 'failed',
    replacement: resourceMetadataWith(({ resource }) => ({
      resource: resource.replace(/^http:/, 'HTTP:'),
    })),
  },
  {
    check: 'DR-4',
    server: 'names a path below its endpoint as the resource',
    status: 'failed',
    replacement: resourceMetadataWith(({ resource }) => ({ resource: `${resource}/v1` })),
  },
  {
    check: 'DR-4',
    server: 'names another endpoint as the resource',
    status: 'failed',
    replacement: resourceMetadataWith(({ resource }) => ({
      resource: resource.replace('/mcp', '/sse'),
    })),
  },
]

/** DR-5. 404 at a well-known place, and clients guess `/authorize`. */
const oneMissing: readonly Fault[] = [
  {
    check: 'DR-5',
    server: 'has its metadata at the root only',
    status: 'failed',
    replacement: {
      resourceMetadataPaths: () => [WELL_KNOWN],
      ...challengeNaming(
        ({ resource }) => `resource_metadata="${new URL(resource).origin}${WELL_KNOWN}"`,
      ),
    },
  },
  {
    check: 'DR-5',
    server: 'has its metadata at the path of the endpoint only',
    status: 'warning',
    replacement: {
      resourceMetadataPaths: (urls) => [new URL(resourceMetadataUrl(urls)).pathname],
    },
  },
  {
    check: 'DR-5',
    server: 'names another authorization server in its metadata at the root',
    status: 'failed',
    replacement: {
      resourceMetadata: (urls, path) => ({
        ...healthy.resourceMetadata(urls, path),
        ...(path === WELL_KNOWN ? { authorization_servers: ['https://old.example.com'] } : {}),
      }),
    },
  },
  {
    check: 'DR-5',
    server: 'has no metadata of its resource',
    status: 'failed',
    replacement: { resourceMetadataPaths: () => [] },
  },
  {
    check: 'DR-5',
    server: 'names metadata in its challenge that is not there',
    status: 'failed',
    replacement: challengeNaming(
      ({ resource }) => `resource_metadata="${new URL(resource).origin}/metadata"`,
    ),
  },
]

/** DR-6. `Unexpected token '<'`. */
const pagesForDocuments: readonly Fault[] = [
  {
    check: 'DR-6',
    server: 'answers every unknown path with the page of an app',
    status: 'failed',
    replacement: { unknown: () => page(200, 'Notes') },
  },
  {
    check: 'DR-6',
    server: 'answers unknown paths with a page of 404',
    status: 'warning',
    replacement: { unknown: () => page(404, 'Not found') },
  },
  {
    check: 'DR-6',
    server: 'sends unknown paths to a sign-in page',
    status: 'failed',
    replacement: { unknown: () => redirect('/sign-in') },
  },
  {
    check: 'DR-6',
    server: 'sends its metadata as text/html',
    status: 'warning',
    replacement: {
      proxy: (answer, { path }) =>
        path.startsWith(WELL_KNOWN)
          ? { ...answer, headers: { ...answer.headers, 'content-type': 'text/html' } }
          : answer,
    },
  },
  {
    check: 'DR-6',
    server: 'answers with the page of an app where its metadata should be',
    status: 'failed',
    replacement: {
      proxy: (answer, { path }) => (path.startsWith(WELL_KNOWN) ? page(200, 'Notes') : answer),
    },
  },
]

/** DR-28. A second authorization server that clients do not look at. */
const severalServers: readonly Fault[] = [
  {
    check: 'DR-28',
    server: 'names two authorization servers',
    status: 'warning',
    replacement: resourceMetadataWith(({ issuer }) => ({
      authorization_servers: [issuer, 'https://second.example.com'],
    })),
  },
]

/** Servers whose metadata of the resource is wrong. */
export const RESOURCE_METADATA_FAULTS: readonly Fault[] = [
  ...otherResource,
  ...oneMissing,
  ...pagesForDocuments,
  ...severalServers,
]
