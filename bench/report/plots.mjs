/* Which plots there are, and the numbers that each shows. A plot without numbers is left out. */
import { findTable } from './results.mjs'
import { barPlot, linePlot } from './svg.mjs'

const BARS = [
  ['verification', 'verification-20', 'miss', 'CPU us', 'One verification, RS256, nothing cached'],
  ['hit', 'verification-20', 'hit', 'CPU us', 'One token that is known'],
  ['express-24', 'http-24', 'accepted-express', 'added us', 'Added to bare Express 5, Node.js 24'],
  ['express-20', 'http-20', 'accepted-express', 'added us', 'Added to bare Express 5, Node.js 20'],
  ['hono-24', 'http-24', 'accepted-hono', 'added us', 'Added to bare Hono, Node.js 24'],
  ['node-24', 'http-24', 'accepted-node', 'added us', 'Added to bare node:http, Node.js 24'],
  ['tools-call-24', 'http-24', 'accepted-mcp', 'CPU us', 'A whole MCP tools/call, Node.js 24'],
  [
    'refused-24',
    'http-24',
    'refused-express',
    'CPU us',
    '401 without a header, Express 5, Node.js 24',
  ],
  [
    'bad-signature-24',
    'attack-24',
    'attack',
    'bad signature',
    'A forged signature, Express 5, Node.js 24',
  ],
  [
    'wrong-issuer-24',
    'attack-24',
    'attack',
    'wrong issuer',
    'A wrong issuer, Express 5, Node.js 24',
  ],
  ['pool', 'pool-20', 'pool', 'median ms', 'Wait of one token while the libuv pool is busy', true],
  ['cold-cpu', 'cold-20', 'cold', 'CPU ms', 'Cold start until the first authenticated answer'],
  ['cold-rss', 'cold-20', 'cold', 'RSS MB', 'Resident memory after it'],
  ['install', 'size-20', 'install', 'node_modules MB', 'Installation in an empty folder'],
  ['bundle', 'size-20', 'bundle', 'gzip kB', 'Bundle by esbuild, minified'],
  ['local-reads', 'stores-20', 'local-reads', 'CPU us', 'A credential within the process', true],
  ['postgres-reads', 'stores-20', 'postgres-reads', 'together us', 'A credential from PostgreSQL'],
  ['pglite-reads', 'stores-20', 'pglite-reads', 'CPU us', 'A credential from PGlite'],
  ['infisical-reads', 'stores-20', 'infisical-reads', 'CPU us', 'A credential from Infisical'],
  ['rewrap', 'stores-20', 'rewrap', 'together us', 'Another key for one record'],
  ['code', 'authorization-server-20', 'token-code', 'together us', 'A code exchange'],
  ['refresh', 'authorization-server-20', 'token-refresh', 'together us', 'A refresh'],
  ['introspect', 'authorization-server-20', 'token-introspect', 'together us', 'An introspection'],
  ['page', 'authorization-server-20', 'token-page', 'together us', 'A sign-in page'],
]

const AXES = {
  'CPU us': 'CPU time of one operation, microseconds',
  'added us': 'CPU time added to one request, microseconds',
  'together us': 'CPU time of one operation, process and backend, microseconds',
  'bad signature': 'CPU time of one request, times bare Express',
  'wrong issuer': 'CPU time of one request, times bare Express',
  'median ms': 'wall time, median, milliseconds',
  'CPU ms': 'CPU time of the process, milliseconds',
  'RSS MB': 'resident memory, MB',
  'node_modules MB': 'size of node_modules, MB',
  'gzip kB': 'size after gzip, kB',
}

function bars(results, [name, file, id, column, title, isLogarithmic = false]) {
  const table = findTable(results, file, id)
  const index = table?.columns.findIndex(([each]) => each === column) ?? -1
  if (index === -1) return undefined
  const shown = table.rows
    .filter(({ role }) => column !== 'added us' || role !== 'base')
    .map(({ label, role, values }) => ({ label, role, value: values[index] }))
    .filter(({ value }) => typeof value === 'number')
  const axis = isLogarithmic ? `${AXES[column]}, logarithmic` : AXES[column]
  return { name, table: id, file, svg: barPlot({ title, axis, bars: shown, isLogarithmic }) }
}

/** Columns that are one step each, named `<step>: us`. */
function growth(results, name, id, { title, xAxis, isLogarithmic }) {
  const table = findTable(results, 'growth-20', id)
  if (table === undefined) return undefined
  const columns = table.columns
    .map(([column], index) => ({ step: /^(\d+): us$/.exec(column)?.[1], index }))
    .filter(({ step }) => step !== undefined)
  const svg = linePlot({
    title,
    xAxis,
    axis: `CPU time of one request, microseconds${isLogarithmic ? ', logarithmic' : ''}`,
    steps: columns.map(({ step }) => Number(step).toLocaleString('en')),
    lines: table.rows.map(({ label, role, values }) => ({
      label,
      role,
      values: columns.map(({ index }) => values[index]),
    })),
    isLogarithmic,
  })
  return { name, table: id, file: 'growth-20', svg }
}

/** Rows named `<label>, <entries>`, one line for each label. */
function cachedTokens(results, name, column, { title, axis }) {
  const table = findTable(results, 'growth-20', 'cached-tokens')
  if (table === undefined) return undefined
  const index = table.columns.findIndex(([each]) => each === column)
  const lines = new Map()
  const steps = new Set()
  for (const { label, role, values } of table.rows) {
    const [, kind, entries] = /^(.*), (\d+)$/.exec(label)
    steps.add(Number(entries).toLocaleString('en'))
    const known = lines.get(kind) ?? { label: kind, role, values: [] }
    known.values.push(values[index])
    lines.set(kind, known)
  }
  const svg = linePlot({
    title,
    xAxis: 'tokens in the cache',
    axis,
    steps: [...steps],
    lines: [...lines.values()],
  })
  return { name, table: 'cached-tokens', file: 'growth-20', svg }
}

/** All plots that can be drawn: `{ name, table, file, svg }`. */
export function drawPlots(results) {
  return [
    ...BARS.map((each) => bars(results, each)),
    growth(results, 'validators', 'validators', {
      title: 'One token with N issuers',
      xAxis: 'issuers',
      isLogarithmic: true,
    }),
    cachedTokens(results, 'cache-bytes', 'bytes per entry', {
      title: 'Memory of a cached token',
      axis: 'heap of one entry, bytes',
    }),
    cachedTokens(results, 'cache-hits', 'hit us', {
      title: 'A hit in a cache of N tokens',
      axis: 'CPU time of one hit, microseconds',
    }),
    growth(results, 'connections', 'connections', {
      title: 'One request over N connections, Express 5',
      xAxis: 'connections',
      isLogarithmic: false,
    }),
    growth(results, 'replicas', 'replicas', {
      title: 'One request with N replicas, all processes together',
      xAxis: 'replicas',
      isLogarithmic: false,
    }),
  ].filter((plot) => plot !== undefined)
}
