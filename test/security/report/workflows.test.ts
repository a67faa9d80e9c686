import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ROOT } from './find-suites.mjs'

const FOLDER = join(ROOT, '.github/workflows')
/** An action of this repository, or one by commit with its release in a comment. */
const PINNED = /^uses: (?:\.\/\S+|[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/

/** The actions of a workflow that a moved tag could change. */
function findUnpinned(text: string): readonly string[] {
  return [...text.matchAll(/^\s*(?:- )?(uses:.*)$/gm)]
    .map(([, line = '']) => line.trim())
    .filter((line) => !PINNED.test(line))
}

const workflows = readdirSync(FOLDER).filter((name) => /\.ya?ml$/.test(name))

describe('.github/workflows', () => {
  it.each(workflows)('%s names every action by its commit', (name) => {
    expect(findUnpinned(readFileSync(join(FOLDER, name), 'utf8'))).toEqual([])
  })

  it('would find an action by tag, by branch, and without its release', () => {
    const commit = 'a'.repeat(40)
    expect(findUnpinned(`  - uses: a/b@${commit} # v1.2.3\n  - uses: ./own\n`)).toEqual([])
    for (const reference of ['v4', 'main', 'v4.1.0', commit, commit.slice(1)]) {
      expect(findUnpinned(`      - uses: a/b@${reference}\n`)).toHaveLength(1)
    }
  })

  it('publishes nothing before the security report was checked', () => {
    const { jobs } = parse(readFileSync(join(FOLDER, 'release.yml'), 'utf8'))
    const runs = jobs.check.steps.map(({ run }: { run?: string }) => run)
    expect(runs).toContain('node test/security/report/write.mjs --check')
    expect(jobs.publish.needs).toContain('check')
    const published = jobs.publish.steps.map(({ run }: { run?: string }) => run)
    expect(published).toContain('node test/security/report/sbom.mjs sbom --upload')
  })
})
