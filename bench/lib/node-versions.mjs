import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// Where `.ci/test-node-24` puts the binary.
const CACHED = fileURLToPath(new URL('../../node_modules/.cache/node-24/bin/node', import.meta.url))

/** The Node.js 24 binary from `NODE24` or from the cache of CI; `undefined` where there is none. */
export function findNode24() {
  const path = process.env.NODE24 ?? CACHED
  if (!existsSync(path)) return undefined
  const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.trim()
  return version?.startsWith('v24.') ? { path, version } : undefined
}
