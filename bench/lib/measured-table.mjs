import { printTable } from './program.mjs'
import { readTables, writeResults } from './results.mjs'

/**
 * One table of measurements.
 *
 * @param id - name by which the report finds it.
 * @param columns - `[name, decimals]` of each column of numbers.
 * @param rows - `{ label, role, values }`; the role is `floor`, `ours`, `peer` or `base`.
 */
export function measuredTable(id, title, columns, rows) {
  return { id, title, columns, rows }
}

/** A number as tables show it; what was not measured is a dash. */
export function formatCell(value, decimals) {
  return typeof value === 'number' && Number.isFinite(value) ? value.toFixed(decimals) : '-'
}

export function printMeasured(tables) {
  for (const { title, columns, rows } of tables) {
    printTable(
      `${title}, Node.js ${process.version}`,
      ['', ...columns.map(([name]) => name)],
      rows.map(({ label, values }) => [
        label,
        ...values.map((value, index) => formatCell(value, columns[index][1])),
      ]),
    )
  }
}

/**
 * Prints the tables of a program and, with `--json`, writes them.
 *
 * @param keepsOthers - whether tables that were written before, and not measured now, stay.
 */
export function reportTables(name, packages, tables, { keepsOthers = false } = {}) {
  printMeasured(tables)
  if (!process.argv.includes('--json')) return
  const measured = new Map(tables.map((table) => [table.id, table]))
  const written = keepsOthers ? readTables(name) : []
  const kept = written.map((table) => measured.get(table.id) ?? table)
  const isNew = ({ id }) => !written.some((table) => table.id === id)
  writeResults(name, packages, { tables: [...kept, ...tables.filter(isNew)] })
}
