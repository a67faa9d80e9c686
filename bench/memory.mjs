/*
 * Memory of the verified-token cache: heap bytes per entry, and RSS after a collection. A report; needs
 * `--expose-gc`, with which it starts itself again.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { send } from './lib/exchange.mjs'
import { ISSUER, RESOURCE } from './lib/fixture.mjs'
import { isMain, printTable } from './lib/program.mjs'

const ENTRIES = 10_000

/** Accepts every token as another caller with claims of its own, as parsed JSON has them. */
function createValidator() {
  let count = 0
  return {
    name: 'accept-all',
    selects: { opaque: true },
    authorizationServers: [ISSUER],
    scopeSource: 'token',
    resourceBinding: 'audience',
    validate(_token, { now }) {
      count += 1
      const expiresAt = Math.floor(now / 1000) + 3600
      const claims = JSON.parse(
        JSON.stringify({
          iss: ISSUER,
          sub: `user-${count}`,
          aud: RESOURCE,
          exp: expiresAt,
          iat: expiresAt - 3600,
          jti: `token-${count}`,
          client_id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
          scope: 'coda.read coda.write',
          email: `user-${count}@example.com`,
          name: `User ${count}`,
        }),
      )
      return {
        kind: 'accepted',
        principal: {
          issuer: ISSUER,
          subject: claims.sub,
          kind: 'user',
          clientId: claims.client_id,
          scopes: claims.scope.split(' '),
          expiresAt,
          email: claims.email,
          name: claims.name,
          tokenId: claims.jti,
          claims,
        },
        reuse: { until: now + 300_000 },
      }
    },
  }
}

function collected() {
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage()
}

async function fill(middleware, from, to) {
  const padding = 'x'.repeat(780)
  for (let index = from; index < to; index += 1) {
    await send(middleware, `${padding}.${String(index).padStart(8, '0')}`)
  }
}

async function measureHere() {
  const middleware = mcpAuth({
    resource: RESOURCE,
    validators: [createValidator()],
    cache: { maxEntries: 2 * ENTRIES },
  })
  // Code, inline caches and the cache's own tables are there before the first reading.
  await fill(middleware, 0, 1000)
  const before = collected()
  await fill(middleware, 1000, 1000 + ENTRIES)
  const after = collected()
  await fill(middleware, 1000 + ENTRIES, 1000 + 5 * ENTRIES)
  const full = collected()
  return {
    bytesPerEntry: (after.heapUsed - before.heapUsed) / ENTRIES,
    rss: after.rss,
    heapWhenFull: full.heapUsed - before.heapUsed,
  }
}

/** Measures in a process of its own. */
export function measureMemory() {
  const parameters = ['--expose-gc', fileURLToPath(import.meta.url), '--json']
  const { stdout, status, stderr } = spawnSync(process.execPath, parameters, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

export function printMemory({ bytesPerEntry, rss, heapWhenFull }) {
  printTable(
    `Memory, Node.js ${process.version}`,
    ['what', 'value'],
    [
      ['bytes per entry of the verified-token cache', Math.round(bytesPerEntry)],
      [`RSS after a collection with ${ENTRIES + 1000} entries, MB`, (rss / 1e6).toFixed(0)],
      [
        `heap added by 5 times ${ENTRIES} tokens, limit ${2 * ENTRIES} entries, MB`,
        (heapWhenFull / 1e6).toFixed(1),
      ],
    ],
  )
}

if (isMain(import.meta.url)) {
  if (process.argv.includes('--json')) console.log(JSON.stringify(await measureHere()))
  else printMemory(measureMemory())
}
