import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { documentationOf, formatVariableTable, variableNames } from '../src/config/variables.js'
import { readConfig } from '../src/config.js'
import { codaTools } from '../src/tools/index.js'
import { scopeOf } from '../src/tools/scopes.js'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')

/** Table rows as cells without the padding that formatters add. */
function tableRows(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .join('|'),
    )
}

describe('README.md', () => {
  it('has a row for every variable, as the schema says, and no other', () => {
    const rows = tableRows(readme).filter((row) => /^\|`[A-Z_]+`/.test(row))
    expect(rows).toEqual(tableRows(formatVariableTable()))
  })

  it('has a row for every tool with its scope, and no other', () => {
    const rows = tableRows(readme).filter((row) => row.startsWith('|`coda_'))
    expect(rows).toEqual(
      codaTools.map((tool) => `|\`${tool.name}\`|${tool.title}|\`${scopeOf(tool)}\`|`),
    )
  })
})

describe('.env.example', () => {
  const lines = [...example.matchAll(/^# ?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
    name,
    value,
  ])

  it('has every variable once, commented out, with its default', () => {
    expect(lines).toEqual(variableNames.map((name) => [name, documentationOf(name)?.default]))
  })

  it('is a configuration that starts as it stands, and with all defaults written out', () => {
    expect(example).not.toMatch(/^[^#\n]/m)
    expect(readConfig(Object.fromEntries(lines))).toEqual(readConfig({}))
  })
})
