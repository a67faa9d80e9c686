import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { CHECK_IDS } from '../../src/doctor/check.js'
import { commandLine } from '../support/command-line.js'
import { PUBLIC } from './broken-servers/fault.js'
import { FAULTS } from './broken-servers/faults/index.js'
import { startSite } from './broken-servers/site.js'
import { type RunningExample, startExample } from './support/example.js'

const root = new URL('../../../../', import.meta.url)

/** What a page shows that the doctor wrote. */
function shownIn(path: string): string {
  const page = readFileSync(new URL(path, root), 'utf8')
  const blocks = [...page.matchAll(/^```text\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
  const shown = blocks.filter((text) => /^ {2}(pass|FAIL) {2}DR-/m.test(text))
  expect(shown).toHaveLength(1)
  return shown[0] ?? ''
}

const withoutTime = (text: string): string => text.replace(/ in \d+\.\d s$/m, ' in 0.4 s')

describe('the README', () => {
  it('counts right', () => {
    const page = readFileSync(new URL('README.md', root), 'utf8')
    const covering = readFileSync(new URL('.ci/template/covering.json', root), 'utf8')
    const peers = readFileSync(new URL('docs/doctor-on-peers.md', root), 'utf8')
    const counts = [
      `[${CHECK_IDS.length} checks]`,
      `${FAULTS.length} in all`,
      `CI makes ${JSON.parse(covering).length} such servers`,
      `${peers.match(/^### /gm)?.length} servers of others`,
    ]
    expect(counts.filter((count) => !page.includes(count))).toEqual([])
  })

  it('shows what the doctor says of a server whose issuer has a slash too many', async () => {
    const server = 'has a slash at the end of its issuer that the resource leaves out'
    const fault = FAULTS.find((each) => each.server === server)
    const site = await startSite(fault?.replacement, { ...fault?.layout, names: PUBLIC })
    onTestFinished(() => site.close())
    const { stdout, code } = await commandLine(['doctor', site.urls.resource], {
      fetch: site.fetch,
    })
    expect(code).toBe(1)
    const written = withoutTime(stdout)
    let end = 0
    for (const part of shownIn('README.md').split('  …\n')) {
      const start = written.indexOf(part, end)
      expect({ part, isWritten: start >= end }).toEqual({ part, isWritten: true })
      end = start + part.length
    }
  })
})

describe('the README of the command line', { timeout: 60_000 }, () => {
  let example: RunningExample

  beforeAll(async () => {
    example = await startExample()
  }, 120_000)
  afterAll(() => example.close())

  it('shows what the doctor says of the example', async () => {
    const { stdout, stderr, code } = await commandLine(['doctor', example.resource], { fetch })
    expect(code).toBe(0)
    const written = withoutTime(`${stdout}${stderr}`)
      .replaceAll(example.issuer, 'http://localhost:8080')
      .trimEnd()
    expect(shownIn('packages/cli/README.md').trimEnd()).toBe(written)
  })
})
