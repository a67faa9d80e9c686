import { type Fault, PUBLIC } from '../fault.js'
import { healthy } from '../healthy.js'
import { resourceMetadataWith, serverMetadataWith } from '../replacements.js'

/** DR-3. "Protected resource http://… does not match", "unsafe URL". */
export const PUBLIC_URL_FAULTS: readonly Fault[] = [
  {
    check: 'DR-3',
    server: 'names its metadata by http behind something that ends TLS',
    status: 'failed',
    layout: { names: PUBLIC },
    replacement: {
      challenge: (urls, refusal) =>
        healthy.challenge({ ...urls, resource: urls.resource.replace('https:', 'http:') }, refusal),
    },
  },
  {
    check: 'DR-3',
    server: 'has endpoints by http in the metadata of its authorization server',
    status: 'failed',
    layout: { names: PUBLIC },
    replacement: serverMetadataWith(({ issuer }) => ({
      token_endpoint: `${issuer}/token`.replace('https:', 'http:'),
      authorization_endpoint: `${issuer}/authorize`.replace('https:', 'http:'),
    })),
  },
  {
    check: 'DR-3',
    server: 'names its resource by http behind something that ends TLS',
    status: 'failed',
    layout: { names: PUBLIC },
    replacement: resourceMetadataWith(({ resource }) => ({
      resource: resource.replace('https:', 'http:'),
    })),
  },
  {
    check: 'DR-3',
    server: 'believes X-Forwarded-Host of anybody',
    status: 'failed',
    replacement: {
      urls: (configured, { headers }) => {
        const host = headers['x-forwarded-host']
        if (typeof host !== 'string') return configured
        const resource = new URL(configured.resource)
        resource.host = host
        return { ...configured, resource: resource.href }
      },
    },
  },
  {
    check: 'DR-3',
    server: 'believes X-Forwarded-Host in its metadata only',
    status: 'failed',
    replacement: {
      proxy: (answer, { path, headers }) => {
        const host = headers['x-forwarded-host']
        if (typeof host !== 'string' || !path.includes('oauth-protected-resource')) return answer
        const body = answer.body.replace(/"resource":"http:\/\/[^/]+/, `"resource":"http://${host}`)
        return { ...answer, body }
      },
    },
  },
  {
    check: 'DR-3',
    server: 'believes X-Forwarded-Host at its authorization server',
    status: 'failed',
    layout: { oneOrigin: true },
    replacement: {
      proxy: (answer, { path, headers }, { issuer }) => {
        const host = headers['x-forwarded-host']
        if (typeof host !== 'string' || !path.includes('oauth-authorization-server')) return answer
        return { ...answer, body: answer.body.replaceAll(issuer, `http://${host}`) }
      },
    },
  },
  {
    check: 'DR-3',
    server: 'is configured with a URL that is not the one that people enter',
    status: 'failed',
    means: () => ({ config: { PUBLIC_URL: 'https://staging.example.com' } }),
  },
]
