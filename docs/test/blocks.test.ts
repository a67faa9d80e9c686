import { spawnSync } from 'node:child_process'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { documents } from './documents.js'
import { fencedBlocks } from './snippets.js'

/**
 * What holds each kind of block to the code. A new kind needs a check of its own, or a reason here.
 */
const CHECKS: Readonly<Record<string, (code: string) => unknown>> = {
  // Compiled by docs.test.ts as a complete module.
  ts: () => undefined,
  // Both sides are compiled and run by add-to-existing-server.test.ts.
  diff: () => undefined,
  js: (code) => transformSync(code, { loader: 'js' }),
  json: (code) => JSON.parse(code),
  yaml: (code) => parse(code),
  // Command lines of ours are parsed by guides.test.ts, with their options.
  sh: (code) => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  },
  // Queries of operators, run by the tests of the tables that they read.
  sql: () => undefined,
  // Answers and output, which are shown and not run.
  http: () => undefined,
  text: () => undefined,
  mermaid: () => undefined,
}

interface Block {
  readonly place: string
  readonly language: string
  readonly code: string
}

function blocksOf(path: string, text: string): Block[] {
  return fencedBlocks(text).map(({ index, language, code }) => ({
    place: `${path}:${text.slice(0, index).split('\n').length}`,
    language,
    code,
  }))
}

function problemOf({ place, language, code }: Block): string[] {
  const check = CHECKS[language]
  if (check === undefined) return [`${place}: nothing checks ${JSON.stringify(language)}`]
  try {
    check(code)
    return []
  } catch (error) {
    return [`${place}: ${error}`]
  }
}

describe('blocks of code in the documents', () => {
  it('are each of a kind that something checks', () => {
    const blocks = documents().flatMap(({ path, text }) => blocksOf(path, text))
    expect(blocks.length).toBeGreaterThan(200)
    expect(blocks.flatMap(problemOf)).toEqual([])
  })

  it.each([
    ['a kind that nothing checks', '```python\nprint(1)\n```'],
    ['no kind', '```\nx\n```'],
    ['JSON in a list that cannot be read', '1. Do this:\n\n   ```json\n   {,}\n   ```'],
    ['JSON between tildes that cannot be read', '~~~json\n{,}\n~~~'],
    ['JSON that cannot be read', '```json\n{,}\n```'],
    ['a command line that does not end', '```sh\necho "x\n```'],
    ['JavaScript that cannot be read', '```js\nconst = 1\n```'],
  ])('would be found with %s', (_what, text) => {
    expect(blocksOf('x.md', text).flatMap(problemOf)).toHaveLength(1)
  })
})
