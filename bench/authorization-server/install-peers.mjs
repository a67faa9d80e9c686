import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/bench-peers/', import.meta.url))
const PEERS = readFileSync(new URL('./peers.json', import.meta.url), 'utf8')

/** Versions of the peers that are not part of the workspace. */
export const peerVersions = JSON.parse(PEERS).dependencies

function isInstalled() {
  return Object.entries(peerVersions).every(([name, version]) => {
    try {
      const manifest = readFileSync(`${FOLDER}node_modules/${name}/package.json`, 'utf8')
      return JSON.parse(manifest).version === version
    } catch {
      return false
    }
  })
}

/**
 * Installs the peers whose own peer dependencies conflict with those of the workspace into a folder of
 * their own, and returns that folder. `undefined`, with the reason printed, where
 * that cannot be done.
 */
export function installPeers() {
  if (!isInstalled()) {
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(`${FOLDER}package.json`, PEERS)
    const { status, stderr } = spawnSync(
      'npm',
      ['install', '--prefix', FOLDER, '--legacy-peer-deps', '--no-audit', '--no-fund'],
      { cwd: FOLDER, encoding: 'utf8' },
    )
    if (status !== 0) {
      console.log(
        `\nbetter-auth: skipped, it could not be installed\n${String(stderr).slice(-500)}`,
      )
      return undefined
    }
  }
  return FOLDER
}
