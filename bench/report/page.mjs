/* The text of `docs/performance.md`. */
import { formatCell } from '../lib/measured-table.mjs'
import { judgeGoals } from './goals.mjs'

const SECTIONS = [
  ['Verification', ['verification-20', 'verification-24']],
  ['Whole requests', ['http-20', 'http-24']],
  ['Attack traffic', ['attack-20', 'attack-24']],
  ['While the libuv pool is busy', ['pool-20', 'pool-24']],
  ['Cold start', ['cold-20', 'cold-24']],
  ['Size', ['size-20']],
  ['Stores and key rotation', ['stores-20']],
  ['Authorization server', ['authorization-server-20']],
  ['Growth', ['growth-20']],
]

function markdownTable(head, rows) {
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function measured({ columns, rows }) {
  return markdownTable(
    ['', ...columns.map(([name]) => name)],
    rows.map(({ label, role, values }) => [
      role === 'ours' ? `**${label}**` : label,
      ...values.map((value, index) => formatCell(value, columns[index][1])),
    ]),
  )
}

function section(title, names, results, plots) {
  const parts = [`## ${title}`]
  for (const name of names) {
    const result = results.get(name)
    if (result?.tables === undefined) continue
    for (const table of result.tables) {
      parts.push(`### ${table.title}, Node.js ${result.node}`, measured(table))
      const drawn = plots.filter((plot) => plot.file === name && plot.table === table.id)
      for (const plot of drawn) {
        parts.push(`![${table.title}](images/performance/${plot.name}.svg)`)
      }
    }
  }
  return parts.length === 1 ? [...parts, 'Not measured.'] : parts
}

function goals(results) {
  const judged = judgeGoals(results)
  const count = (test) => judged.filter(test).length
  const met = count(({ isMet }) => isMet)
  const gaps = count(({ isMeasured }) => !isMeasured)
  return [
    '## Goals',
    `${met} of ${judged.length} are met, ${judged.length - met - gaps} are missed, ${gaps} were not measured. A value is lower where it is better.`,
    markdownTable(
      ['#', 'goal', 'floor', 'best peer', 'ours', 'at most', ''],
      judged.map((goal) => [
        goal.number,
        goal.what,
        goal.floor,
        goal.peer,
        goal.ours,
        goal.limit,
        goal.verdict,
      ]),
    ),
  ]
}

function instructionsOf(results) {
  const counted = results.get('instructions-20')
  if (counted === undefined) return ['## Instructions', 'Not measured.']
  const reference = counted.instructions['SDK v1 + jose, warm']
  return [
    '## Instructions',
    'Counted by callgrind, which repeats whatever else the machine does. It knows no SHA instructions, so that SHA-256 counts for more than it costs: compare rows, do not convert them to time.',
    markdownTable(
      ['one request', 'instructions', 'of SDK v1 + jose'],
      Object.entries(counted.instructions).map(([name, count]) => [
        name,
        count.toLocaleString('en'),
        (count / reference).toFixed(3),
      ]),
    ),
    markdownTable(
      ['gate of CI', 'ratio', 'limit'],
      counted.gates.map(({ case: name, of, ratio, limit }) => [
        `${name} / ${of}`,
        ratio.toFixed(3),
        limit,
      ]),
    ),
  ]
}

function fetchesOf(results) {
  const counted = results.get('fetches-20')
  if (counted === undefined) return ['## Outbound fetches', 'Not measured.']
  return [
    '## Outbound fetches',
    'Counted with a clock that stands still between requests.',
    markdownTable(
      [
        '',
        '10,000 unknown kids in 120 s',
        'endpoint down, cold: 1,000 requests in 10 s',
        'their answers',
        'warm, then 10 min down',
        'wrong answers of 600',
      ],
      Object.entries(counted.counts).map(([name, { flood, cold, warm }]) => [
        name === 'ours' ? '**ours**' : name,
        flood.fetches,
        cold.fetches,
        Object.keys(cold.answers).join(', '),
        warm.fetches,
        warm.wrong,
      ]),
    ),
  ]
}

function optimisationsOf(optimisations) {
  if (optimisations.length === 0) return []
  return [
    '## Optimisations',
    'Each was measured before and after, in one run unless it says otherwise; what brought nothing was taken back.',
    markdownTable(
      ['what', 'before', 'after', 'ratio', 'unit', 'measured'],
      optimisations.map(({ what, before, after, ratio, unit, date, how }) => [
        what,
        before,
        after,
        ratio.toFixed(2),
        unit,
        `${date}; ${how}`,
      ]),
    ),
  ]
}

function versionsOf(results) {
  const versions = new Map()
  const runs = new Set()
  for (const { date, node, openssl, cores, packages, tables, smoke } of results.values()) {
    if (tables === undefined) continue
    runs.add(
      `${date}, Node.js ${node}, OpenSSL ${openssl}, ${cores} cores${smoke ? ', SMOKE' : ''}`,
    )
    for (const [name, version] of Object.entries(packages ?? {})) {
      if (version !== undefined && !name.startsWith('@bestviable/')) versions.set(name, version)
    }
  }
  const names = [...versions].sort().map(([name, version]) => `${name} ${version}`)
  return [
    '## How it is measured',
    [
      '- CPU times are those of the process that does the work, and of the backends of PostgreSQL from `/proc`. Candidates take turns in short slices within one run, in another order each round; medians, or lower quartiles where a database works.',
      '- A floor is the least code that does the necessary work. A peer is wired as its documentation says; the SDKs bring no verifier, so theirs is jose with the same checks.',
      '- Trust the ratios of one run more than its microseconds. Differences of a few microseconds between two processes of one Express program are noise, on Node.js 20 more than on 24.',
      '- Loopback only: no TLS, no network, no other processor was measured.',
    ].join('\n'),
    [...runs].map((run) => `- ${run}`).join('\n'),
    `Versions: ${names.join(', ')}.`,
    '```sh\nnode bench/measure-all.mjs --json-dir bench/results   # about an hour on two quiet cores\nnpm run bench:report                                    # writes this page and its plots\n```',
  ]
}

/** The whole page. */
export function writePage(results, plots, optimisations) {
  const isSmoke = [...results.values()].some(({ smoke }) => smoke)
  const parts = [
    '# Performance',
    'Written by `npm run bench:report` from `bench/results`; not edited by hand. What each program does: [bench](https://github.com/bestviable/mcp-auth-middleware/tree/main/bench).',
    ...(isSmoke ? ['**From a smoke run: the numbers mean nothing.**'] : []),
    ...goals(results),
    ...SECTIONS.flatMap(([title, names]) => section(title, names, results, plots)),
    ...instructionsOf(results),
    ...fetchesOf(results),
    ...optimisationsOf(optimisations),
    ...versionsOf(results),
  ]
  return `${parts.join('\n\n')}\n`
}
