import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findNode24 } from '../lib/node-versions.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

function isInstalled(folder, packages) {
  return Object.entries(packages).every(([name, version]) => {
    try {
      const manifest = readFileSync(`${folder}/node_modules/${name}/package.json`, 'utf8')
      return JSON.parse(manifest).version === version
    } catch {
      return false
    }
  })
}

/** Installs a peer and its server into a folder of its own, and returns the folder. */
export function installPeer({ id, packages, flags = [] }, parent) {
  const folder = `${parent}/${id}`
  mkdirSync(folder, { recursive: true })
  if (!isInstalled(folder, packages)) {
    const manifest = { private: true, type: 'module', dependencies: packages }
    writeFileSync(`${folder}/package.json`, JSON.stringify(manifest))
    // Scripts of packages would run here with the rights of whoever runs this.
    const { status, stderr } = spawnSync(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...flags],
      { cwd: folder, encoding: 'utf8' },
    )
    if (status !== 0) throw new Error(`${id} could not be installed: ${stderr.slice(-500)}`)
  }
  copyFileSync(new URL(`./servers/${id}.mjs`, import.meta.url), `${folder}/server.mjs`)
  return folder
}

/** The program of a major version of Node.js: this one, or the one that CI keeps. */
export function nodeOf(major) {
  if (process.version.startsWith(`v${major}.`)) {
    return { path: process.execPath, version: process.version }
  }
  if (findNode24() === undefined) {
    spawnSync('bash', ['.ci/install-node-24'], { cwd: ROOT, stdio: 'inherit' })
  }
  const found = findNode24()
  if (found === undefined) throw new Error(`there is no Node.js ${major} here`)
  return found
}
