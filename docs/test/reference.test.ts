import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JWT_REASONS, KEY_FETCH_REASONS } from '@bestviable/mcp-auth-middleware'
import { describe, expect, it } from 'vitest'
import { ROOT } from './snippets.js'

const page = readFileSync(join(ROOT, 'docs/reference/responses.md'), 'utf8')

function codesBelow(heading: string): string[] {
  const section = page.split(/^## /m).find((each) => each.startsWith(heading)) ?? ''
  return [...section.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => code),
  )
}

describe('docs/reference/responses.md', () => {
  it('documents every reason of a refused JWT, and only those that exist', () => {
    expect(codesBelow('Reasons of JWT validators').sort()).toEqual([...JWT_REASONS].sort())
  })

  it('documents every reason of a failed key load, and only those that exist', () => {
    expect(codesBelow('Reasons of failed key loads').sort()).toEqual([...KEY_FETCH_REASONS].sort())
  })
})
