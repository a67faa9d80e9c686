import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './find-suites.mjs'

const OWN = ['packages/mcp-auth-middleware', 'packages/authorization-server']
const INSTALLED = [
  'jose',
  'oidc-provider',
  'openid-client',
  'pg',
  'express',
  '@modelcontextprotocol/sdk',
  '@modelcontextprotocol/server',
  'fast-check',
  'vitest',
]

const readManifest = (path) => JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8'))

/** What was measured, and with what. */
export function readVersions() {
  const own = OWN.map(readManifest).map(({ name, version }) => [name, version])
  const installed = INSTALLED.map((name) => [name, readManifest(`node_modules/${name}`).version])
  const conformance = /^version=(\S+)$/m.exec(readFileSync(join(ROOT, '.ci/conformance'), 'utf8'))
  return {
    'Node.js': process.version,
    ...Object.fromEntries([...own, ...installed]),
    '@modelcontextprotocol/conformance': conformance?.[1] ?? 'unknown',
  }
}
