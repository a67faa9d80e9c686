import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { codaTools } from '../src/tools/index.js'
import { formatToolPage } from './support/tool-page.js'

const page = new URL('../TOOLS.md', import.meta.url)
const command = 'WRITE_TOOLS=1 npx vitest run examples/coda-mcp/test/tool-page.test.ts'

it('TOOLS.md describes the tools as they are', () => {
  const expected = formatToolPage(codaTools)
  if (process.env.WRITE_TOOLS === '1') writeFileSync(page, expected)
  expect(readFileSync(page, 'utf8'), `TOOLS.md is out of date; write it anew: ${command}`).toBe(
    expected,
  )
})
