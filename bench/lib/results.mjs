import { readFileSync, writeFileSync } from 'node:fs'

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

/** Writes the results of one run below `results/`, with what they depend on. */
export function writeResults(name, packages, results) {
  const [major] = process.versions.node.split('.')
  const file = `${name}${major}.json`
  const content = {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    openssl: process.versions.openssl,
    packages,
    ...results,
  }
  const path = new URL(`../results/${file}`, import.meta.url)
  writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`)
  console.log(`\nWritten to bench/results/${file}`)
}
