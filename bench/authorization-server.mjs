/*
 * What the authorization server costs: CPU of its endpoints against better-auth and oidc-provider, the
 * rotation of refresh tokens, resident memory after many sign-ins, the sign-in page, and whether the time
 * of a refusal tells which clients there are (E36). A report. `--memory` measures the resident memory again,
 * and leaves the other tables in the file as they are.
 */
import { readFileSync } from 'node:fs'
import { measureClientSecrets } from './authorization-server/client-secrets.mjs'
import { peerVersions } from './authorization-server/install-peers.mjs'
import { measureOwnLayer } from './authorization-server/own-layer.mjs'
import { measureResidentMemory } from './authorization-server/resident-memory.mjs'
import { measureRotation } from './authorization-server/rotation.mjs'
import { measureSignInPage } from './authorization-server/sign-in-page.mjs'
import { measureTokenEndpoint } from './authorization-server/token-endpoint.mjs'
import { reportTables } from './lib/measured-table.mjs'
import { startPostgres } from './lib/postgres.mjs'
import { isMain } from './lib/program.mjs'
import { workspaceVersions } from './lib/results.mjs'

const isMemoryOnly = process.argv.includes('--memory')

/** Measures everything; no table where there is no PostgreSQL. */
export async function measureAuthorizationServer() {
  const postgres = await startPostgres()
  if (postgres === undefined) return []
  try {
    if (isMemoryOnly) return [await measureResidentMemory(postgres)]
    return [
      await measureSignInPage(postgres),
      ...(await measureTokenEndpoint(postgres)),
      await measureOwnLayer(),
      await measureRotation(postgres),
      await measureClientSecrets(postgres),
      await measureResidentMemory(postgres),
    ]
  } finally {
    await postgres.stop()
  }
}

if (isMain(import.meta.url)) {
  const manifest = new URL('../node_modules/oidc-provider/package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  const versions = { ...workspaceVersions(['pg']), 'oidc-provider': version, ...peerVersions }
  const tables = await measureAuthorizationServer()
  reportTables('authorization-server', versions, tables, { keepsOthers: isMemoryOnly })
  // The authorization server that was measured in this process has timers and connections.
  process.exit()
}
