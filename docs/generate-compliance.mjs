// Writes docs/reference/rfc-compliance.md from docs/reference/requirements.json and the titles of the
// tests. With --check it writes nothing and fails when the page is stale or a requirement has no test.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGE = join(ROOT, 'docs/reference/rfc-compliance.md')
const SKIPPED = new Set(['node_modules', 'dist', '.turbo', '.snippets', '.vitepress'])
/** One catalogue id, such as `T01`: a letter and two digits. */
const ID = /^[A-Z]\d\d$/
/** A title that begins with catalogue ids, or a first cell of `it.each` that is one. */
const TITLE_WITH_IDS = /(['"`])([A-Z]\d\d(?: [A-Z]\d\d)*)(?=[ '"`])/g
const CONFORMANCE = {
  'conformance: authorization': 'runAuthorization(',
  'conformance: server': 'runServer(',
}

function testFiles(folder) {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return []
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return testFiles(path)
    return entry.name.endsWith('.test.ts') ? [path] : []
  })
}

/** The requirements, as `docs/reference/requirements.json` has them. */
export function readRequirements() {
  return JSON.parse(readFileSync(join(ROOT, 'docs/reference/requirements.json'), 'utf8')).sections
}

/** Every test file but that of this page, with its text, without lines whose test does not run. */
export function readTests() {
  return ['packages', 'examples', 'docs']
    .flatMap(testFiles)
    .filter((path) => path !== 'docs/test/compliance.test.ts')
    .map((path) => ({
      path,
      text: readFileSync(join(ROOT, path), 'utf8').replace(/^.*\.(?:skip|todo)\(.*$/gm, ''),
    }))
}

/** Paths of the test files that have a title with each catalogue id. */
function filesById(tests) {
  const found = new Map()
  for (const { path, text } of tests) {
    for (const [, , ids] of text.matchAll(TITLE_WITH_IDS)) {
      for (const id of ids.split(' ')) {
        if (!found.has(id)) found.set(id, new Set())
        found.get(id).add(path)
      }
    }
  }
  return found
}

function isTitle(text, title) {
  return ["'", '"', '`'].some((quote) => text.includes(`${quote}${title}`))
}

/**
 * Where one reference of `requirements.json` is tested: an id of the catalogue, `path > title`, or a
 * run of the conformance suite. Empty when nothing is found.
 */
function placesOf(reference, tests, byId) {
  if (ID.test(reference)) return [...(byId.get(reference) ?? [])].sort()
  if (reference in CONFORMANCE) {
    const path = '.ci/conformance-runs.mjs'
    return readFileSync(join(ROOT, path), 'utf8').includes(CONFORMANCE[reference]) ? [path] : []
  }
  const [path, title] = reference.split(' > ')
  const test = tests.find((each) => each.path === path)
  return test !== undefined && title && isTitle(test.text, title) ? [path] : []
}

/** What is wrong with the list: requirements without a test or a reason, and references to nothing. */
export function findProblems(sections, tests) {
  const byId = filesById(tests)
  const seen = new Set()
  return sections.flatMap(({ requirements }) =>
    requirements.flatMap(({ id, tests: references, gap }) => {
      const problems = references
        .filter((reference) => placesOf(reference, tests, byId).length === 0)
        .map((reference) => `${id}: no test ${JSON.stringify(reference)}`)
      if (references.length === 0 && !gap) problems.push(`${id}: neither a test nor a stated gap`)
      if (seen.has(id)) problems.push(`${id}: listed twice`)
      seen.add(id)
      return problems
    }),
  )
}

function link(path, text) {
  return `[${text}](${relative('docs/reference', path)})`
}

function cellOf(reference, tests, byId) {
  const [first, ...others] = placesOf(reference, tests, byId)
  if (first === undefined) return `**missing: ${reference}**`
  const name = reference.includes(' > ') ? reference.split(' > ')[1].replace('%s ', '') : reference
  const more = others.map((path, index) => link(path, String(index + 2)))
  return [link(first, name), ...more].join(' ')
}

function rowOf({ id, level, source, requirement, tests: references, gap }, tests, byId) {
  const cells = references.map((reference) => cellOf(reference, tests, byId))
  if (gap !== undefined) cells.push(`**Gap:** ${gap}`)
  return `| ${id} | ${level} | ${requirement} | ${source} | ${cells.join(', ')} |`
}

/** The whole page. */
export function formatPage(sections, tests) {
  const byId = filesById(tests)
  const all = sections.flatMap(({ requirements }) => requirements)
  const covered = all.filter(({ tests: references }) => references.length > 0).length
  const head = `# RFC compliance

\`\`\`sh
node docs/generate-compliance.mjs         # writes this page
node docs/generate-compliance.mjs --check # fails when it is stale, or when a requirement has no test
\`\`\`

Each requirement on a server in the MCP authorization specification and in the RFCs that it builds on, with the tests that hold this project to it. ${covered} of ${all.length} have a test. The others are stated gaps, each with its reason.

Generated from [\`requirements.json\`](requirements.json) and the titles of the tests. \`T01\`, \`A14\` and the like are ids that titles begin with; a number behind one leads to the next file that has it. \`conformance\` is the [official suite](../../.ci/conformance), whose scored scenarios all have to pass. \`MCP\` stands for the Model Context Protocol specification, revision 2026-07-28 where no other is named, read on 2026-11-21 in the state of 2026-08-22.
`
  const parts = sections.map(({ title, requirements }) => {
    const rows = requirements.map((each) => rowOf(each, tests, byId))
    return `## ${title}

| Id | Level | Requirement | Source | Tests |
|---|---|---|---|---|
${rows.join('\n')}
`
  })
  return [head, ...parts].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sections = readRequirements()
  const tests = readTests()
  const problems = findProblems(sections, tests)
  const page = formatPage(sections, tests)
  if (process.argv.includes('--check')) {
    if (readFileSync(PAGE, 'utf8') !== page)
      problems.push('docs/reference/rfc-compliance.md is stale')
  } else writeFileSync(PAGE, page)
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}
