import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EVENT_NAMES } from '../../src/storage/event-names.js'

const page = new URL('../../../../docs/reference/authorization-server-events.md', import.meta.url)
const source = new URL('../../src', import.meta.url).pathname

describe('docs/reference/authorization-server-events.md', () => {
  it('has every event, and only events that exist', () => {
    expect(existsSync(page)).toBe(true)
    const rows = readFileSync(page, 'utf8').matchAll(/^\| `([^`]+)` \|/gm)
    expect([...rows].map(([, name]) => name).sort()).toEqual([...EVENT_NAMES].sort())
  })

  it('has no event that nothing emits', () => {
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !name.endsWith('event-names.ts'),
    )
    const code = files.map((name) => readFileSync(join(source, name), 'utf8')).join('\n')
    expect(EVENT_NAMES.filter((name) => !code.includes(`'${name}'`))).toEqual([])
  })
})
