const GROUPS = [
  'header of the request',
  'signature and key',
  'claims',
  'what the client is told',
  'outages',
  'leaks',
  'Wycheproof',
]

const count = (results, test) => results.filter(test).length

function groupRow(group, candidates) {
  const cells = candidates.map(({ results }) => {
    const own = results.filter((each) => each.group === group)
    if (own.length === 0) return 'not run'
    return `${count(own, ({ isRight }) => !isRight)} of ${own.length}`
  })
  return `| ${group} | ${cells.join(' | ')} |`
}

function inputRow(index, candidates) {
  const { id, what } = candidates[0].results[index]
  const cells = candidates.map(({ results }) => {
    const { isRight, seen } = results[index]
    return isRight ? 'as expected' : `**${seen}**`
  })
  return `| ${id} | ${what.replaceAll('|', '\\|')} | ${cells.join(' | ')} |`
}

/** The page of docs/security/comparison.md. */
export function formatComparison({ date, node, candidates }) {
  const titles = candidates.map(({ title }) => title)
  const line = `|---|${titles.map(() => '---').join('|')}|`
  const total = candidates.map(({ results }) => {
    return `${count(results, ({ isRight }) => !isRight)} of ${results.length}`
  })
  const differing = candidates[0].results
    .map((_, index) => index)
    .filter((index) => candidates.some(({ results }) => !results[index].isRight))
  return `# Comparison

\`\`\`sh
node test/security/peers/run.mjs # runs the suite against all four, and writes this page
\`\`\`

One suite of inputs over real HTTP, against a small Express 5 server for each project, measured on ${date} with Node.js ${node}. The versions are ${candidates.map(({ versions }) => versions).join('; ')}.

Each server is configured for the same issuer, resource and scope, and for nothing else; [bench/candidates](../../bench/candidates) has the few lines of each. The MCP SDK brings no verifier, so it has one with jose that maps every error to an invalid token, as its examples do. Figures that make no sense for the others, such as races of refresh tokens, are in [report.md](report.md).

The suite is ours, and so is the idea of what is right: the response contract of this project. A row that differs is a difference, which the other project may have chosen; whether it matters depends on what stands around the server.

## Answers that are not as expected

| Inputs | ${titles.join(' | ')} |
${line}
${GROUPS.map((group) => groupRow(group, candidates)).join('\n')}
| all | ${total.join(' | ')} |

## Each of them

What was answered, where it was not as expected. All other rows are as expected for all four.

| Id | Input | ${titles.join(' | ')} |
|---|---|${titles.map(() => '---').join('|')}|
${differing.map((index) => inputRow(index, candidates)).join('\n')}
`
}
