import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AUTH_ERROR_CODES } from '@bestviable/mcp-auth-middleware'
import { describe, expect, it, onTestFinished } from 'vitest'
import { documentationOf } from '../../examples/coda-mcp/src/config/variables.js'
import { CHECK_IDS, definitionOf } from '../../packages/cli/src/doctor/check.js'
import type { DoctorReport } from '../../packages/cli/src/doctor/report.js'
import { anchorsOf, type Document, relativeLinks, sectionOf, tableRows } from './documents.js'
import { runBlocks, shellBlocks } from './shell-blocks.js'
import { ROOT } from './snippets.js'

const read = (path: string): Document => ({ path, text: readFileSync(join(ROOT, path), 'utf8') })
const plain = (cell: string): string => cell.replaceAll('`', '').trim()
const cellsOf = (line: string): string[] => line.slice(2, -2).split(' | ').map(plain)

/** Cells of the first table header below a heading. */
function headerBelow(page: Document, heading: string): string[] {
  const line = sectionOf(page, heading)
    .split('\n')
    .find((each) => each.startsWith('| '))
  return cellsOf(line ?? '')
}

describe('docs/TROUBLESHOOTING.md', () => {
  const page = read('docs/TROUBLESHOOTING.md')

  it('has one anchor for each check of the doctor, and none for another', () => {
    const anchors = [...anchorsOf(page.text)].filter((anchor) => /^dr-/.test(anchor))
    expect(anchors).toEqual(CHECK_IDS.map((id) => id.toLowerCase()))
  })

  it.each(CHECK_IDS)('%s: says the symptom, the cause, where to look and the fix', (id) => {
    const section = sectionOf(page, id)
    expect(section).toMatch(/^\n[A-Z0-9`":\w][^\n]+\n\n\*\*Cause\.\*\* \S/)
    expect(section).toMatch(/\n\*\*Look\.\*\*[\s\S]*\n```sh\n\S[\s\S]*\n\*\*Fix\.\*\* \S/)
  })

  it('gives the doctor what a check needs', () => {
    const needy = CHECK_IDS.filter((id) => definitionOf(id).needs !== undefined)
    expect(needy.length).toBeGreaterThan(5)
    const without = needy.filter((id) => {
      const doctor = sectionOf(page, id).match(/^.* doctor https.*$/gm) ?? []
      return !doctor.some((line) => line.includes(`--${definitionOf(id).needs}`))
    })
    expect(without).toEqual([])
  })

  it.each([
    'raw-html-instead-of-a-sign-in',
    'redirect_uri_mismatch',
    'invalid_scope-at-the-upstream',
    'user-not-authorized',
    '406',
    'empty-registration-answer',
    'invalid_grant',
    'unsafe-url',
  ])('has the symptom #%s', (anchor) => {
    expect([...anchorsOf(page.text)]).toContain(anchor)
  })

  it('leads to every error code', () => {
    const links = new Set(relativeLinks(page))
    const missing = AUTH_ERROR_CODES.filter(
      (code) => !links.has(`reference/errors.md#${code.toLowerCase()}`),
    )
    expect(missing).toEqual([])
  })

  it('leads to every list of reasons, and names only reasons that exist', () => {
    const responses = read('docs/reference/responses.md')
    const lists = [...anchorsOf(responses.text)].filter((anchor) => anchor.includes('reason'))
    const links = new Set(relativeLinks(page))
    expect(lists.length).toBeGreaterThan(4)
    expect(lists.filter((anchor) => !links.has(`reference/responses.md#${anchor}`))).toEqual([])

    const known = new Set([...responses.text.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name))
    const rows = tableRows(sectionOf(page, 'Codes in the log')).filter(
      ([cell = '']) => !cell.includes('ERR_'),
    )
    const names = rows.flatMap(([cell = '']) =>
      [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name),
    )
    expect(names.length).toBeGreaterThan(15)
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })
})

describe('docs/GO_LIVE.md', () => {
  const page = read('docs/GO_LIVE.md')

  it.each(['Lifetimes', 'Limits'])('%s: has the variables with their defaults', (heading) => {
    const rows = tableRows(sectionOf(page, heading)).map((cells) => cells.map(plain))
    expect(rows.length).toBeGreaterThan(2)
    for (const [name = '', fallback] of rows) {
      expect([name, fallback]).toEqual([name, documentationOf(name)?.default || '(none)'])
    }
  })

  it('has a section for everything that was promised', () => {
    const headings = [...page.text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual([
      'TLS',
      'Lists',
      'Lifetimes',
      'CORS',
      'Limits',
      'Monitoring',
      'Backup and restore',
      'Disaster plan',
      'On the day',
    ])
  })

  it('says of every command what comes out', () => {
    const items = page.text.split(/^- \[ \] /m).slice(1)
    expect(items.length).toBeGreaterThan(25)
    const silent = items.filter((item) => {
      const blocks = shellBlocks({ path: '', text: item })
      return blocks.some(({ output }) => output === undefined) && !item.includes('Expected:')
    })
    expect(silent).toEqual([])
    const byHand = items.filter((item) => item.startsWith('By hand'))
    expect(byHand.length).toBeLessThan(items.length / 3)
    const bare = items.filter((item) => !item.includes('```sh') && !item.startsWith('By hand'))
    expect(bare).toEqual([])
  })
})

describe('docs/OAUTH_SOP.md', () => {
  const page = read('docs/OAUTH_SOP.md')

  it('gives each cost a date and a source, or says that it is not verified', () => {
    const rows = tableRows(sectionOf(page, 'Costs'))
    expect(rows.length).toBeGreaterThan(9)
    const bare = rows.filter(([, free = '', , readOn = '', source = '']) => {
      const isDated = /^2026-\d{2}-\d{2}$/.test(readOn) && source !== ''
      return !isDated && free !== 'not verified'
    })
    expect(bare).toEqual([])
  })

  it('gives each trigger a number', () => {
    const rows = tableRows(sectionOf(page, 'When to move on'))
    expect(rows.length).toBeGreaterThan(8)
    const vague = rows.filter(([, , when = '']) => !/\d|first|second/.test(when))
    expect(vague).toEqual([])
  })

  it.each(['Phase 1: environment', 'Phase 2: encrypted PostgreSQL', 'Phase 3: Infisical'])(
    '%s has what is needed, steps, verification and the way back',
    (heading) => {
      const section = sectionOf(page, heading)
      const parts = [...section.matchAll(/^\*\*([^.]+)\.\*\*/gm)].map(([, part]) => part)
      expect(parts).toEqual(['Before', 'Steps', 'Verification', 'Way back'])
    },
  )

  it('fills the template of the audit from a report of the doctor', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-auth-audit-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const check = { title: 't', group: 'Challenge', findings: [], hints: [], link: '' } as const
    const report: DoctorReport = {
      url: 'https://coda.example.com',
      checkedUrl: 'https://coda.example.com/mcp',
      client: undefined,
      active: false,
      outcome: 'failed',
      outage: undefined,
      issuer: 'https://coda.example.com',
      startedAt: '2026-11-22T10:00:00.000Z',
      milliseconds: 1200,
      counts: { passed: 29, warning: 1, failed: 1, skipped: 1 },
      checks: [
        { ...check, id: 'DR-1', severity: 'error', status: 'passed', reason: 'fine', clients: [] },
        {
          ...check,
          id: 'DR-7',
          severity: 'error',
          status: 'failed',
          reason: 'a | b\nc',
          clients: ['claude-code', 'inspector'],
        },
        {
          ...check,
          id: 'DR-28',
          severity: 'warning',
          status: 'warning',
          reason: 'two',
          clients: ['vscode'],
        },
      ],
      remarks: [],
      cleanup: undefined,
    }
    writeFileSync(join(folder, 'doctor.json'), JSON.stringify(report))
    const start = page.text.indexOf('\n## Audit')
    const blocks = shellBlocks({ path: page.path, text: page.text.slice(start) }).filter(
      ({ script }) => script.includes('readFileSync'),
    )
    expect(blocks).toHaveLength(1)
    const [result] = await runBlocks(blocks, { cwd: folder, env: {} })
    const lines = result?.stdout.split('\n') ?? []
    expect(lines).toEqual([
      '| 2026-11-22T10:00:00.000Z | https://coda.example.com/mcp | failed | 29 | 1 | 1 | 1 |',
      '| DR-7 | error | failed | a \\| b c | claude-code, inspector |  |  |  |',
      '| DR-28 | warning | warning | two | vscode |  |  |  |',
    ])

    const template = read('docs/templates/AUDIT_FINDINGS.md')
    const columns = (line = ''): number => line.replaceAll('\\|', '').split('|').length - 2
    expect(headerBelow(template, 'Doctor')).toHaveLength(columns(lines[0]))
    expect(headerBelow(template, 'Findings')).toHaveLength(columns(lines[1]))
  })
})

describe('docs/templates/TEST_RESULTS.md', () => {
  it('claims no live run, and names for everything automated a test that exists', () => {
    const page = read('docs/templates/TEST_RESULTS.md')
    const rows = ['Ways in', 'Providers', 'Clients', 'Stores and operation'].flatMap((heading) =>
      tableRows(sectionOf(page, heading)),
    )
    expect(rows.length).toBeGreaterThan(25)
    const links = new Set(relativeLinks(page))
    for (const [what, , test = '', automated = '', live = ''] of rows) {
      expect([what, live]).toEqual([what, expect.stringMatching(/^not (?:verified|needed)/)])
      expect([what, automated]).toEqual([what, expect.stringMatching(/^(?:CI|stand-in only)$/)])
      expect([what, test]).toEqual([what, expect.stringMatching(/\]\(\.\.\/[^)]+\.test\.ts\)/)])
    }
    expect(links.size).toBeGreaterThan(15)
  })
})

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}

describe('docs/DEPRECATIONS.md', () => {
  it('lists everything that is marked as deprecated, and nothing else', () => {
    const sources = readdirSync(join(ROOT, 'packages'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => {
        try {
          return sourcesBelow(join(ROOT, 'packages', name, 'src'))
        } catch {
          // A package without sources of its own.
          return []
        }
      })
    const marked = sources.flatMap((source) => source.match(/@deprecated/g) ?? [])
    const page = read('docs/DEPRECATIONS.md')
    const [, listed = ''] = /\| Goes not before \|\n\|[-|]+\n((?:\|.*\n)*)/.exec(page.text) ?? []
    expect(listed.split('\n').filter((line) => line !== '')).toHaveLength(marked.length)
    if (marked.length === 0) expect(page.text).toContain('Nothing is deprecated in this release.')
  })
})
