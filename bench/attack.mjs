/*
 * CPU per refused request over HTTP: what traffic without a good token costs, against bare Express.
 * A report, on this Node.js and on Node.js 24.
 */
import { measureCpu } from './http/cpu-rounds.mjs'
import { findNode24 } from './lib/node-versions.mjs'
import { isMain, printTable } from './lib/program.mjs'

const KINDS = {
  'no header': 'none',
  garbage: 'garbage',
  expired: 'expired',
  'wrong issuer': 'wrongIssuer',
  'unknown kid': 'unknownKid',
  'bad signature': 'badSignature',
}
const CANDIDATES = { ours: 'ours', 'SDK v1 + jose': 'sdk-v1', 'aws-jwt-verify': 'aws-jwt-verify' }
const BARE = { label: 'bare', candidate: 'none', token: 'none', status: 200 }

// Valid requests first, so that the keys are there; their cost is in the table of cpu.mjs.
const PRIMING = Object.entries(CANDIDATES).map(([name, candidate]) => ({
  label: `${name}/valid`,
  candidate,
  token: 'valid',
  status: 200,
}))
const ATTACKS = Object.entries(CANDIDATES).flatMap(([name, candidate]) =>
  Object.entries(KINDS).map(([kind, token]) => ({
    label: `${name}/${kind}`,
    candidate,
    token,
    status: 401,
  })),
)

async function measureOn({ path, version }) {
  const jobs = [BARE, ...PRIMING, ...ATTACKS]
  const slices = { processes: 2, rounds: 3, warmUp: 1500, perSlice: 700 }
  const measured = await measureCpu({ jobs, execPath: path, ...slices })
  const bare = measured.get('bare').microseconds
  const rows = Object.keys(KINDS).map((kind) => ({
    kind,
    ofBare: Object.keys(CANDIDATES).map(
      (name) => measured.get(`${name}/${kind}`).microseconds / bare,
    ),
  }))
  return { version, bare, rows }
}

export async function measureAttacks() {
  const here = { path: process.execPath, version: process.version }
  const node24 = process.version.startsWith('v24.') ? undefined : findNode24()
  const runs = []
  for (const node of node24 === undefined ? [here] : [here, node24]) {
    runs.push(await measureOn(node))
  }
  return runs
}

export function printAttacks(runs) {
  for (const { version, bare, rows } of runs) {
    printTable(
      `CPU of a refused request, times bare Express (${bare.toFixed(1)} us), Node.js ${version}`,
      ['request', ...Object.keys(CANDIDATES)],
      rows.map(({ kind, ofBare }) => [kind, ...ofBare.map((ratio) => ratio.toFixed(2))]),
    )
  }
}

if (isMain(import.meta.url)) printAttacks(await measureAttacks())
