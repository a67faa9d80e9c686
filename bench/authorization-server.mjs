/*
 * What the authorization server costs: CPU of the token endpoint against better-auth and oidc-provider,
 * resident memory after many sign-ins, the sign-in page, and whether the time of a refusal tells which
 * clients there are (E36). A report with limits, not a gate. `node authorization-server.mjs --json`
 * writes `results/authorization-server-<Node.js major>.json`.
 */
import { readFileSync } from 'node:fs'
import { measureClientSecrets } from './authorization-server/client-secrets.mjs'
import { peerVersions } from './authorization-server/install-peers.mjs'
import { measureResidentMemory } from './authorization-server/resident-memory.mjs'
import { measureSignInPage } from './authorization-server/sign-in-page.mjs'
import { measureTokenEndpoint } from './authorization-server/token-endpoint.mjs'
import { startPostgres } from './lib/postgres.mjs'
import { isMain, printTable } from './lib/program.mjs'
import { workspaceVersions, writeResults } from './lib/results.mjs'

/** Measures everything; `undefined` where there is no PostgreSQL. */
export async function measureAuthorizationServer() {
  const postgres = await startPostgres()
  if (postgres === undefined) return undefined
  try {
    return {
      postgresVersion: postgres.version,
      signInPage: await measureSignInPage(postgres),
      tokenEndpoint: await measureTokenEndpoint(postgres),
      clientSecrets: await measureClientSecrets(postgres),
      residentMemory: await measureResidentMemory(postgres),
    }
  } finally {
    await postgres.stop()
  }
}

export function printAuthorizationServer(results) {
  const { postgresVersion, signInPage, tokenEndpoint, clientSecrets, residentMemory } = results
  printTable(
    `CPU of one request to the token endpoint, ES256, PostgreSQL ${postgresVersion}, Node.js ${process.version}`,
    ['request', 'server us', 'backend us', 'together us'],
    tokenEndpoint.rows.map(({ operation, name, server, backend }) => [
      `${operation}, ${name}`,
      server.toFixed(0),
      backend.toFixed(0),
      (server + backend).toFixed(0),
    ]),
  )
  printTable(
    `Resident memory after ${residentMemory.signIns} sign-ins and ${residentMemory.idleSeconds} s, MB`,
    ['application', 'at start', 'RSS', 'heap'],
    residentMemory.rows.map(({ name, ...bytes }) => [
      name,
      ...[bytes.atStart, bytes.rss, bytes.heapUsed].map((value) => (value / 1e6).toFixed(0)),
    ]),
  )
  printTable(
    `Answers to clients that cannot prove who they are, ${clientSecrets.samples} each`,
    ['client', 'median ms'],
    clientSecrets.rows.map(({ label, median }) => [label, median.toFixed(3)]),
  )
  const verdict = (met) => (met ? 'kept' : 'MISSED')
  printTable(
    'Limits of the authorization server',
    ['what', 'against', 'value', 'limit', ''],
    [
      ...[...tokenEndpoint.comparisons, ...residentMemory.comparisons].map(
        ({ what, of, ratio, limit, met }) => [what, of, ratio.toFixed(2), limit, verdict(met)],
      ),
      [
        'medians of refused clients',
        'each other',
        clientSecrets.spread.toFixed(3),
        clientSecrets.limit,
        verdict(clientSecrets.met),
      ],
      ['sign-in page, bytes', '', signInPage.bytes, signInPage.limit, verdict(signInPage.met)],
    ],
  )
}

/** Measures, prints and writes. */
export async function reportAuthorizationServer() {
  const results = await measureAuthorizationServer()
  if (results === undefined) return
  printAuthorizationServer(results)
  const manifest = new URL('../node_modules/oidc-provider/package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  const versions = { ...workspaceVersions(['pg']), 'oidc-provider': version, ...peerVersions }
  writeResults('authorization-server-', versions, results)
}

if (isMain(import.meta.url)) {
  if (process.argv.includes('--json')) await reportAuthorizationServer()
  else {
    const results = await measureAuthorizationServer()
    if (results !== undefined) printAuthorizationServer(results)
  }
}
