// Writes docs/security/advisories.md from advisories.json. With --check it writes nothing and fails when
// the page is stale.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const TABLE = new URL('./advisories.json', import.meta.url)
const PAGE = new URL('../../../docs/security/advisories.md', import.meta.url)
const COMMAND = 'node test/security/advisories/advisories.mjs'
const SUITES = {
  'resource-server': 'Resource server',
  'authorization-server': 'Authorization server',
  mapped: 'Held by tests of other parts',
}

const readTable = () => JSON.parse(readFileSync(TABLE, 'utf8'))

/** The rows of advisories.json. */
export function readAdvisories() {
  return readTable().advisories
}

function testOf({ id, suite, test }) {
  const path = test?.path ?? `test/security/advisories/${suite}.test.ts`
  return `[${test?.name.split(' > ').at(-1) ?? id}](../../${path})`
}

function rowOf(row) {
  const { id, aliases, product, fixed, problem, expected, source } = row
  const names = [`[${id}](${source})`, ...aliases].join(', ')
  return `| ${names} | ${product} | ${fixed} | ${problem} | ${expected} | ${testOf(row)} |`
}

/** The whole page. */
export function formatPage({ read, advisories, leftOut } = readTable()) {
  const parts = Object.entries(SUITES).map(([suite, title]) => {
    const rows = advisories.filter((row) => row.suite === suite).map(rowOf)
    return `## ${title}

| Advisory | In | Fixed in | What was wrong | What we do | Test |
|---|---|---|---|---|---|
${rows.join('\n')}
`
  })
  const others = leftOut.map(
    ({ id, product, reason, source }) => `| [${id}](${source}) | ${product} | ${reason} |`,
  )
  return `# Advisories

\`\`\`sh
${COMMAND}         # writes this page
${COMMAND} --check # fails when it is stale
npx vitest run test/security/advisories
\`\`\`

Published faults of other projects for MCP authorization, OAuth and JWT, 2024 to 2026, each repeated as an attack on our public API. ${advisories.length} are listed, and each has a test that is named after it. They were read on ${read}; the link behind an id is where its content was read, which is often a thread of a project that had to upgrade.

A row says nothing about a project today: its fault is fixed in the version given. A row that is not here is one that we have not found, so please report it.

${parts.join('\n')}
## Read and left out

| Advisory | In | Why |
|---|---|---|
${others.join('\n')}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = formatPage()
  if (!process.argv.includes('--check')) writeFileSync(PAGE, page)
  else if (readFileSync(PAGE, 'utf8') !== page) {
    console.error(`docs/security/advisories.md is stale: ${COMMAND}`)
    process.exitCode = 1
  }
}
