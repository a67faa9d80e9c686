const number = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 2 })
const VERDICTS = { met: 'met', gap: '**gap**', 'not certified': 'not certified' }

function formatValues(values) {
  const entries = Object.entries(values)
  if (entries.length === 0) return 'not measured'
  return entries.map(([name, value]) => `${name}: ${number.format(value)}`).join('; ')
}

function escapeCell(text) {
  return String(text).replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function summaryRow({ id, figure, goal, blocks, status, values }) {
  const name = `${id} ${figure}${blocks ? ' (blocks a release)' : ''}`
  return `| ${[name, goal, formatValues(values), VERDICTS[status]].map(escapeCell).join(' | ')} |`
}

/** Parts that differ in their numbers only, such as those of one table of inputs, are one row. */
function groupParts(parts) {
  const groups = new Map()
  for (const part of parts) {
    const known = groups.get(part.method)
    if (known === undefined) groups.set(part.method, [part])
    else known.push(part)
  }
  return [...groups.values()]
}

function partRow(sumValues, group) {
  const [first] = group
  const name = group.length === 1 ? first.part : `${first.part} and ${group.length - 1} more`
  const seeds = new Set(group.map(({ seed }) => seed).filter((seed) => seed !== undefined))
  const day = group
    .map(({ measuredAt }) => measuredAt)
    .sort()
    .at(-1)
    .slice(0, 10)
  const cells = [
    name,
    formatValues(sumValues(group)),
    first.method,
    [...seeds].join(', ') || 'none',
    `${day}, ${first.node}`,
    group.every(({ isMet }) => isMet) ? 'met' : '**gap**',
  ]
  return `| ${cells.map(escapeCell).join(' | ')} |`
}

function section(sumValues, { id, figure, goal, cause, parts }) {
  const rows = groupParts(parts).map((group) => partRow(sumValues, group))
  const table = `| Part | Value | Method | Seed | Date, Node.js | |
|---|---|---|---|---|---|
${rows.join('\n')}
`
  return `### ${id}: ${figure}

Goal: ${goal}.${cause === undefined ? '' : ` Not met; cause: ${escapeCell(cause)}.`}
${rows.length === 0 ? '' : `\n${table}`}`
}

/** The whole page. */
export function formatPage({ form, date, versions, figures, failedSuites }, sumValues) {
  const met = figures.filter(({ status }) => status === 'met').length
  const failed = failedSuites.map(({ path, outcome }) => `- \`${path}\`: ${outcome}`)
  return `# Security report

\`\`\`sh
node test/security/report/write.mjs          # measures, and writes this page and report.json
node test/security/report/write.mjs --long   # the figures of the night, in hours
node test/security/report/write.mjs --scores # R21 anew from the kept scores of mutation testing, all else as it was
node test/security/report/write.mjs --check  # fails when a release is blocked, or the page is stale
\`\`\`

Measured on ${date}, ${form} form.${form === 'partial' ? ' It is put together from the parts of several runs, in which not every suite took part, and no release is made with it.' : ''} ${met} of ${figures.length} figures meet their goal. OpenID certification: not certified.

Nobody but this project has measured these figures; the commands above repeat them. A random run prints its seed, and the same seed repeats it. [comparison.md](comparison.md) has the same attacks on three other projects, [advisories.md](advisories.md) the published faults that are repeated.

## Figures

| Figure | Goal | Value | |
|---|---|---|---|
${figures.map(summaryRow).join('\n')}

A counted value is the sum over its parts, a measured one the largest.
${failed.length === 0 ? '' : `\n## Suites that did not pass\n\n${failed.join('\n')}\n`}
## Versions

| Name | Version |
|---|---|
${Object.entries(versions)
  .map(([name, version]) => `| ${name} | ${version} |`)
  .join('\n')}

## Parts

${figures.map((figure) => section(sumValues, figure)).join('\n')}`
}
