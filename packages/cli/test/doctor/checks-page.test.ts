import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  CHECK_IDS,
  type CheckId,
  CLIENT_IDS,
  CLIENT_NAMES,
  definitionOf,
} from '../../src/doctor/check.js'
import { FAULTS } from './broken-servers/faults/index.js'
import { startSite } from './broken-servers/site.js'

const page = readFileSync(
  new URL('../../../../docs/reference/doctor-checks.md', import.meta.url),
  'utf8',
)

/** Lines of the table below a heading, its head among them. */
function tableBelow(heading: string): readonly string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const [text = ''] = section.split('\n## ')
  return text.split('\n').filter((line) => line.startsWith('|') && !/^\|[-:|]+\|$/.test(line))
}

const rowOf = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const linkTo = (id: CheckId): string => `[${id}](../TROUBLESHOOTING.md#${id.toLowerCase()})`

/** Options with which the broken servers of a check are found; `nothing` stands for none. */
async function meansOf(id: CheckId): Promise<ReadonlySet<string>> {
  const site = await startSite()
  try {
    const faults = FAULTS.filter(({ check }) => check === id)
    return new Set(
      faults.flatMap(({ means }) => (means === undefined ? 'nothing' : Object.keys(means(site)))),
    )
  } finally {
    await site.close()
  }
}

const optionsOf = (names: readonly string[]): string =>
  names.map((name) => `\`--${name}\``).join(' or ')

/** When a check is made, in words. */
async function whenMade(id: CheckId): Promise<string> {
  const means = [...(await meansOf(id))].sort()
  const others = means.filter((name) => name !== 'nothing')
  if (definitionOf(id).needs !== undefined) return `with ${optionsOf(others)}`
  return others.length === 0 ? 'always' : `always, sees more with ${optionsOf(others)}`
}

describe('docs/reference/doctor-checks.md', () => {
  it('has every check with its level, when it is made, and whom it breaks', async () => {
    const rows = await Promise.all(
      CHECK_IDS.map(async (id) => {
        const { title, severity, breaks } = definitionOf(id)
        const level = severity === 'error' ? 'fails' : 'warns'
        const marks = CLIENT_IDS.map((client) => (breaks.includes(client) ? 'x' : ''))
        return rowOf(linkTo(id), title, level, await whenMade(id), ...marks)
      }),
    )
    const names = CLIENT_IDS.map((client) => CLIENT_NAMES[client])
    expect(tableBelow('Checks and clients')).toEqual([
      rowOf('Check', 'What must hold', 'Otherwise', 'Made', ...names),
      ...rows,
    ])
  })

  it('lists every broken server of the tests', () => {
    const rows = CHECK_IDS.map((id) => {
      const servers = FAULTS.filter(({ check }) => check === id).map(({ server }) => server)
      return rowOf(id, servers.join('; '))
    })
    expect(tableBelow('What each one finds')).toEqual([rowOf('Check', 'A server that'), ...rows])
  })

  it('says how many there are', () => {
    expect(page).toContain(`${CHECK_IDS.length} checks`)
    expect(page).toContain(`${FAULTS.length} broken servers`)
  })
})
