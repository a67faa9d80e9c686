import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../report/find-suites.mjs'
import { isLongForm } from '../support/long-form.js'
import { COLD_OUTAGES, runSuite } from './suite.mjs'

const page = readFileSync(join(ROOT, 'docs/security/comparison.md'), 'utf8')

describe('docs/security/comparison.md', () => {
  it('is about the versions that are pinned', () => {
    for (const name of [
      '@modelcontextprotocol/express',
      '@modelcontextprotocol/server',
      'jose',
      'express-oauth2-jwt-bearer',
      'mcp-auth',
    ]) {
      const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'bench/package.json'), 'utf8'))
      expect(dependencies[name]).toMatch(/^\d+\.\d+\.\d+$/)
      expect(page).toContain(`${name} ${dependencies[name]}`)
    }
  })

  it('answers every input of the suite as it says of us', { timeout: 180_000 }, async () => {
    // By day keys that are no keys, and keys that do not come.
    const results = await runSuite('ours', isLongForm ? COLD_OUTAGES : ['html', 'hang'])
    expect(results.filter(({ isRight }) => !isRight)).toEqual([])
    expect(results.length).toBeGreaterThan(70)
    // The page was made from the same inputs.
    for (const { group } of results) expect(page).toContain(`| ${group} |`)
  })
})
