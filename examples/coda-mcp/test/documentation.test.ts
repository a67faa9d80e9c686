import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { codaTokenVariables, findUnusableVariables } from '../src/config/raw-environment.js'
import { userTokenVariable } from '../src/config/user-token-variable.js'
import { documentationOf, formatVariableTable, variableNames } from '../src/config/variables.js'
import { readConfig } from '../src/config.js'

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
    const rows = tableRows(readme).filter((row) => /^\|`[A-Z_]+(<[^>]+>)?`/.test(row))
    expect(rows).toEqual(tableRows(formatVariableTable()))
  })

  it('has the variable of each caller’s Coda token, behind that of the service', () => {
    const names = tableRows(readme).map((row) => row.split('|')[1])
    const index = names.indexOf('`CODA_API_TOKEN__<16 hex digits>`')
    expect(names[index - 1]).toBe('`CODA_API_TOKEN`')
    expect(tableRows(readme)[index]).toMatch(
      /\|yes\|With TOKEN_STORE=env and CODA_CREDENTIALS=user: /,
    )
  })

  it('leads to the page of the tools, which tool-page.test.ts holds to them', () => {
    expect(readme).toContain('](TOOLS.md)')
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

describe('the variable of a caller’s Coda token', () => {
  const { example: name } = userTokenVariable
  const isRead = (each: string) =>
    Object.keys(codaTokenVariables({ [each]: 'canary' })).includes(each)
  const isRefused = (each: string) => findUnusableVariables({ [each]: 'canary' }).length > 0

  it('is in .env.example by a name that the server takes', () => {
    expect(example).toContain(`\n# ${name}=\n`)
    expect(example).toContain(`# ${userTokenVariable.documentation.purpose} (`)
  })

  it.each([name, `${name}_FILE`])('is read as %s', (each) => {
    expect([isRead(each), isRefused(each)]).toEqual([true, false])
  })

  it.each([
    ['one digit less', name.slice(0, -1)],
    ['one digit more', `${name}0`],
    ['small letters', name.toLowerCase().replace('coda_api_token', 'CODA_API_TOKEN')],
    ['a letter that is no digit', name.replace('F', 'G')],
    ['one underscore', name.replace('__', '_')],
    ['another ending', `${name}_PATH`],
  ])('is refused with %s, and not ignored', (_, each) => {
    expect([isRead(each), isRefused(each)]).toEqual([false, true])
  })
})
