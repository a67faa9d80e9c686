import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findProblems, formatPage, readRequirements, readTests } from '../generate-compliance.mjs'
import { ROOT } from './snippets.js'

const sections = readRequirements()
const tests = readTests()

const one = (change: object) => [
  {
    title: 'Resource server',
    requirements: [
      {
        id: 'RS-1',
        level: 'MUST',
        source: 'RFC 9728',
        requirement: 'x',
        tests: ['C08'],
        ...change,
      },
    ],
  },
]

describe('docs/reference/rfc-compliance.md', () => {
  it('is what the requirements and the tests give: node docs/generate-compliance.mjs', () => {
    const page = readFileSync(join(ROOT, 'docs/reference/rfc-compliance.md'), 'utf8')
    expect(page === formatPage(sections, tests), 'the page is stale').toBe(true)
  })

  it('has a test, or a reason why there is none, for every requirement', () => {
    expect(findProblems(sections, tests)).toEqual([])
    expect(sections.flatMap(({ requirements }) => requirements).length).toBeGreaterThan(60)
  })

  it('would find a requirement without either, and a reference to no test', () => {
    expect(findProblems(one({}), tests)).toEqual([])
    expect(findProblems(one({ tests: [], gap: 'because' }), tests)).toEqual([])
    expect(findProblems(one({ tests: [] }), tests)).toEqual([
      'RS-1: neither a test nor a stated gap',
    ])
    for (const reference of [
      'Z99',
      'conformance: client',
      'docs/test/docs.test.ts > says nothing like this',
      'docs/test/missing.test.ts > would find a requirement',
    ]) {
      expect(findProblems(one({ tests: [reference] }), tests)).toEqual([
        `RS-1: no test ${JSON.stringify(reference)}`,
      ])
    }
  })

  it('takes no test that does not run for one', () => {
    const running = [{ path: 'a.test.ts', text: "it('T98 is checked', () => {})" }]
    expect(findProblems(one({ tests: ['T98'] }), running)).toEqual([])
    const mentioned = [{ path: 'a.test.ts', text: '// T98 is not checked' }]
    expect(findProblems(one({ tests: ['T98'] }), mentioned)).toHaveLength(1)
  })
})
