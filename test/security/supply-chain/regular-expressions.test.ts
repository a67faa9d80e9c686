import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { findExpressions, findMadeExpressions, findSlowText } from './regular-expressions.js'
import { PACKAGE_FOLDERS, parseSource, readSources } from './source-files.js'

const Reasons = z.record(z.string(), z.string().min(20))
const known = z
  .strictObject({ slow: Reasons, made: Reasons })
  .parse(JSON.parse(readFileSync(new URL('./regular-expressions.json', import.meta.url), 'utf8')))

const sources = readSources(PACKAGE_FOLDERS.map((folder) => `${folder}/src`))
const expressions = findExpressions(sources)

describe('P02 every regular expression of the packages', () => {
  it('P02 takes less than 5 ms for 50,000 hostile characters, or only sees short texts', () => {
    expect(expressions.length).toBeGreaterThan(100)
    const slow = expressions.flatMap(({ key, place, expression }) => {
      if (Object.hasOwn(known.slow, key)) return []
      const text = findSlowText(expression)
      return text === undefined ? [] : [`${place} ${key}: ${text}`]
    })
    expect(slow).toEqual([])
  })

  it('P02 is no longer listed as slow once it is fast', () => {
    for (const slow of Object.keys(known.slow)) {
      const found = expressions.find(({ key }) => key === slow)
      expect(found, slow).toBeDefined()
      if (found !== undefined) expect(findSlowText(found.expression), slow).toBeDefined()
    }
  })

  it('P02 is written out, or made of a text that no request can choose', () => {
    const found = findMadeExpressions(sources).map(({ key }) => key)
    expect(found.filter((key) => !Object.hasOwn(known.made, key))).toEqual([])
    expect(Object.keys(known.made).filter((key) => !found.includes(key))).toEqual([])
  })
})

describe('findSlowText()', () => {
  it.each(['/a+$/', '/ +$/', '/^(?:a|a)+$/'])('P02 finds %s', (literal) => {
    const [found] = findExpressions([parseSource('some.ts', `const x = ${literal}`)])
    expect(found === undefined ? undefined : findSlowText(found.expression)).toBeDefined()
  })

  it.each(['/^[a-z]+$/', '/^(?:a|b)*$/', '/\\s/'])('P02 passes %s', (literal) => {
    const [found] = findExpressions([parseSource('some.ts', `const x = ${literal}`)])
    expect(found === undefined ? 'not found' : findSlowText(found.expression)).toBeUndefined()
  })
})
