import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Reads every result of a folder: file name without `.json` -> content. */
export function readResults(folder) {
  const names = existsSync(folder) ? readdirSync(folder) : []
  const results = new Map()
  for (const name of names.filter((file) => /-\d+\.json$/.test(file)).sort()) {
    const content = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    results.set(name.slice(0, -'.json'.length), content)
  }
  return results
}

/** What was made faster or smaller, each as one run measured it before and after. */
export function readOptimisations(folder) {
  const path = join(folder, 'optimisations.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : []
}

/** The table of an id in one result; `undefined` where it was not measured. */
export function findTable(results, name, id) {
  return results.get(name)?.tables?.find((table) => table.id === id)
}

/** One value by the label of its row and the name of its column; `undefined` where it is missing. */
export function findValue(results, name, id, label, column) {
  const table = findTable(results, name, id)
  const index = table?.columns.findIndex(([title]) => title === column) ?? -1
  const value = table?.rows.find((row) => row.label === label)?.values[index]
  return typeof value === 'number' ? value : undefined
}
