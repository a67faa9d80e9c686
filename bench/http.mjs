/*
 * CPU per request over loopback HTTP, as what each candidate adds to the bare server: Express 5, Hono,
 * plain node:http, and a whole MCP `tools/call`; cached, uncached and refused. A report: times move with
 * the machine, ratios of one run less. `--app=hono` measures one of them again, and leaves the tables of
 * the others in the file as they are: each table is a run of its own.
 */
import { measureCpu } from './http/cpu-rounds.mjs'
import { effort } from './lib/effort.mjs'
import { measuredTable, reportTables } from './lib/measured-table.mjs'
import { isMain } from './lib/program.mjs'
import { benchVersions, workspaceVersions } from './lib/results.mjs'

const UNCACHED = { cache: false }
const floors = [
  ['floor: SHA-256 and Map', 'floor', 'map-sha256'],
  ['floor: one synchronous check', 'floor', 'sync-verify'],
]
const ours = [
  ['ours, cached', 'ours', 'ours'],
  ['ours, uncached', 'ours', 'ours', UNCACHED],
]
const aws = ['aws-jwt-verify', 'peer', 'aws-jwt-verify']
const sdkV2 = ['SDK v2 + jose', 'peer', 'sdk-v2']

const APPS = [
  {
    app: 'express',
    title: 'Express 5',
    reference: 'SDK v1 + jose',
    candidates: [
      ...floors,
      ...ours,
      ['SDK v1 + jose', 'peer', 'sdk-v1'],
      sdkV2,
      ['mcp-auth', 'peer', 'mcp-auth'],
      ['express-oauth2-jwt-bearer', 'peer', 'express-oauth2-jwt-bearer'],
      aws,
    ],
    size: { processes: 3, rounds: 5, warmUp: 2500, perSlice: 1500 },
  },
  {
    app: 'hono',
    title: 'Hono',
    reference: 'SDK v2 + jose',
    candidates: [...floors, ...ours, sdkV2, ['hono/jwk, static keys', 'peer', 'hono-jwk']],
    size: { processes: 3, rounds: 5, warmUp: 3000, perSlice: 1500 },
  },
  {
    app: 'node',
    title: 'node:http',
    reference: 'jose by hand',
    candidates: [
      ...floors,
      ...ours,
      ['jose by hand', 'peer', 'jose'],
      ['fast-jwt, its cache', 'peer', 'fast-jwt'],
      aws,
    ],
    size: { processes: 3, rounds: 5, warmUp: 4000, perSlice: 2000 },
  },
]

const MCP = {
  app: 'mcp',
  title: 'a whole MCP tools/call, SDK v2 on Express 5',
  reference: 'SDK v2 + jose',
  candidates: [...floors, ...ours, ['SDK v1 + jose', 'peer', 'sdk-v1'], sdkV2],
  size: { processes: 3, rounds: 6, warmUp: 1200, perSlice: 500 },
}

const SMOKE = { processes: 1, rounds: 1, warmUp: 50, perSlice: 50 }
const BARE = 'bare'

async function measureApp({ app, title, reference, candidates, size }) {
  const toolCall = app === 'mcp'
  const bare = [BARE, 'base', 'none']
  const accepted = [bare, ...candidates].map(([label, , candidate, options]) => ({
    label,
    app,
    candidate,
    options,
    toolCall,
    token: 'valid',
    status: 200,
  }))
  const refused = accepted
    .filter(({ label, options }) => label !== BARE && options === undefined)
    .map((job) => ({ ...job, label: `${job.label}/refused`, token: 'none', status: 401 }))
  const measured = await measureCpu({ jobs: [...accepted, ...refused], ...effort(size, SMOKE) })

  const cost = (label) => measured.get(label).microseconds
  const added = (label) => cost(label) - cost(BARE)
  const roles = new Map([bare, ...candidates].map(([label, role]) => [label, role]))
  return [
    measuredTable(
      `accepted-${app}`,
      `CPU of an accepted request: ${title}, 10 connections`,
      [
        ['CPU us', 1],
        ['added us', 1],
        ['of bare', 2],
        [`of what ${reference} adds`, 2],
        ['RSS MB', 0],
      ],
      accepted.map(({ label }) => ({
        label,
        role: roles.get(label),
        values: [
          cost(label),
          added(label),
          cost(label) / cost(BARE),
          added(label) / added(reference),
          measured.get(label).rss / 1e6,
        ],
      })),
    ),
    measuredTable(
      `refused-${app}`,
      `CPU of a 401 without a header: ${title}`,
      [
        ['CPU us', 1],
        ['of bare', 2],
      ],
      [{ label: BARE, role: 'base', values: [cost(BARE), 1] }].concat(
        refused.map(({ label }) => ({
          label: label.split('/refused')[0],
          role: roles.get(label.split('/refused')[0]),
          values: [cost(label), cost(label) / cost(BARE)],
        })),
      ),
    ),
  ]
}

export async function measureHttp(only) {
  const chosen = [...APPS, MCP].filter(({ app }) => only === undefined || app === only)
  if (chosen.length === 0) throw new Error(`--app: there is no ${only}`)
  const tables = []
  for (const app of chosen) tables.push(...(await measureApp(app)))
  return tables
}

if (isMain(import.meta.url)) {
  const versions = { ...benchVersions(), ...workspaceVersions(['hono', '@hono/node-server']) }
  const only = process.argv.find((parameter) => parameter.startsWith('--app='))?.slice(6)
  const tables = await measureHttp(only)
  reportTables('http', versions, tables, { keepsOthers: only !== undefined })
}
