/*
 * What is installed and what is bundled. Peers as their documentation wires them for the same purpose:
 * verify a JWT of a remote key set and put the caller on a request.
 */
import { readFileSync } from 'node:fs'

const { dependencies } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
)
const { devDependencies } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
)

/** Exact versions of packages, as the workspace has them. */
function pick(...names) {
  return Object.fromEntries(
    names.map((name) => [name, dependencies[name] ?? devDependencies[name] ?? '*']),
  )
}

const CORE = '@bestviable/mcp-auth-middleware'
const POSTGRES = '@bestviable/mcp-auth-store-postgres'
const INFISICAL = '@bestviable/mcp-auth-store-infisical'

/** Installations: `{ label, role, packages }`. */
export const INSTALLS = [
  { label: 'floor: jose', role: 'floor', packages: pick('jose') },
  { label: 'ours: core', role: 'ours', packages: pick(CORE) },
  {
    label: 'express-oauth2-jwt-bearer',
    role: 'peer',
    packages: pick('express-oauth2-jwt-bearer'),
  },
  { label: 'aws-jwt-verify', role: 'peer', packages: pick('aws-jwt-verify') },
  { label: 'mcp-auth (brings express)', role: 'peer', packages: pick('mcp-auth') },
  {
    label: 'SDK v1 (brings express) and jose',
    role: 'peer',
    packages: pick('@modelcontextprotocol/sdk', 'jose'),
  },
  {
    label: 'SDK v2, express and jose',
    role: 'peer',
    packages: pick(
      '@modelcontextprotocol/express',
      '@modelcontextprotocol/server',
      'express',
      'jose',
    ),
  },
  {
    label: 'floor: express, pg and jose',
    role: 'floor',
    packages: pick('express', 'pg', 'jose'),
  },
  {
    label: 'ours: core, PostgreSQL and express',
    role: 'ours',
    packages: pick(CORE, POSTGRES, 'express'),
  },
  {
    label: 'ours: the same and Infisical with its SDK',
    role: 'ours',
    packages: pick(CORE, POSTGRES, INFISICAL, 'express', '@infisical/sdk'),
  },
]

const SDK_V1 = '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
const JOSE = "export { createRemoteJWKSet, jwtVerify } from 'jose'"

/** Bundles: `{ label, role, source, external }`. */
export const BUNDLES = [
  { label: 'floor: jwtVerify, createRemoteJWKSet of jose', role: 'floor', source: JOSE },
  {
    label: 'ours: core, oidc, Express adapter, jose',
    role: 'ours',
    source: `export { oidc } from '${CORE}'; export { mcpAuth } from '${CORE}/express'`,
  },
  {
    label: 'SDK v1 requireBearerAuth with jose',
    role: 'peer',
    source: `export { requireBearerAuth } from '${SDK_V1}'; ${JOSE}`,
    external: ['express'],
  },
  {
    label: 'SDK v2 requireBearerAuth with jose',
    role: 'peer',
    source: `export { requireBearerAuth } from '@modelcontextprotocol/express'; ${JOSE}`,
    external: ['express'],
  },
  {
    label: 'mcp-auth',
    role: 'peer',
    source: "export { MCPAuth } from 'mcp-auth'",
    external: ['express'],
  },
  {
    label: 'express-oauth2-jwt-bearer',
    role: 'peer',
    source: "export { auth } from 'express-oauth2-jwt-bearer'",
    external: ['express'],
  },
  {
    label: 'aws-jwt-verify',
    role: 'peer',
    source: "export { JwtVerifier } from 'aws-jwt-verify'",
  },
]
