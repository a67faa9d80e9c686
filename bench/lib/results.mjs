import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isSmoke } from './effort.mjs'

const RESULTS = fileURLToPath(new URL('../results', import.meta.url))

function read(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
}

/** Versions that the bench itself names. */
export function benchVersions() {
  return read('../package.json').dependencies
}

/** Versions of packages that are installed for the whole workspace. */
export function workspaceVersions(names) {
  const { devDependencies } = read('../../package.json')
  return Object.fromEntries(names.map((name) => [name, devDependencies[name]]))
}

/** The folder of `--json-dir`, or `results/`. A smoke run writes only where it is told to. */
function folder() {
  const index = process.argv.indexOf('--json-dir')
  if (index !== -1) return resolve(process.argv[index + 1])
  return isSmoke ? undefined : RESULTS
}

function fileOf(name) {
  const [major] = process.versions.node.split('.')
  return `${name}-${major}.json`
}

/** The tables that an earlier run has written; empty where there was none. */
export function readTables(name) {
  try {
    return JSON.parse(readFileSync(join(folder() ?? '', fileOf(name)), 'utf8')).tables
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

/** Writes the results of one run as `<name>-<Node.js major>.json`, with what they depend on. */
export function writeResults(name, packages, results) {
  const target = folder()
  if (target === undefined) return
  const content = {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    openssl: process.versions.openssl,
    cores: cpus().length,
    ...(isSmoke ? { smoke: true } : {}),
    packages,
    ...results,
  }
  mkdirSync(target, { recursive: true })
  const file = fileOf(name)
  writeFileSync(join(target, file), `${JSON.stringify(content, undefined, 2)}\n`)
  console.log(`\nWritten: ${file}`)
}
