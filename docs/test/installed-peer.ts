import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './snippets.js'

/** A package of others that the guides show and that is no dependency of this project. */
export interface InstalledPeer {
  /** Folder below which the package can be imported; `undefined` where it could not be installed. */
  readonly folder: string | undefined
  /** Why it is left out, for the name of a test. Empty when it is there. */
  readonly reason: string
}

function versionIn(folder: string, name: string): string | undefined {
  try {
    const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')
    return (JSON.parse(manifest) as { readonly version: string }).version
  } catch {
    return undefined
  }
}

/**
 * Installs one version of a package into a folder of its own, once.
 *
 * @throws on CI, where it has to be possible.
 */
export function installedPeer(name: string, version: string): InstalledPeer {
  const folder = join(ROOT, 'node_modules/.cache/docs-peers', name)
  if (versionIn(folder, name) === version) return { folder, reason: '' }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}')
  const options = [
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--save-exact',
  ]
  const { status, stderr } = spawnSync('npm', ['install', ...options, `${name}@${version}`], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 120_000,
  })
  if (status === 0) return { folder, reason: '' }
  if (process.env.CI) throw new Error(`${name}@${version} cannot be installed: ${stderr}`)
  return { folder: undefined, reason: ` (skipped: ${name}@${version} cannot be installed here)` }
}
