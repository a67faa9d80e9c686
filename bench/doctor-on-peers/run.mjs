/*
 * Runs the doctor on servers of peers, each installed in its pinned version into a temporary folder and
 * started on loopback. `--write` records the outcome in `results/doctor-on-peers.json` and puts its tables
 * into `docs/doctor-on-peers.md`; `--only <id>` takes one peer; `--folder <path>` keeps what is installed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compileTypeScript } from '../lib/typescript.mjs'
import { installPeer, nodeOf } from './install.mjs'
import { PEERS } from './peers.mjs'
import { writeTables } from './report.mjs'
import { servePeer } from './serve.mjs'

const RESULTS = new URL('../results/doctor-on-peers.json', import.meta.url)
const PAGE = new URL('../../docs/doctor-on-peers.md', import.meta.url)

const DOCTOR = 'packages/cli/src/doctor'
const { runDoctor } = await import(compileTypeScript(`${DOCTOR}/run-doctor.ts`))
const { CLIENT_NAMES } = await import(compileTypeScript(`${DOCTOR}/check.ts`))

/** Puts names in the place of addresses that differ from run to run. */
function withNames(text, names) {
  return Object.entries(names).reduce(
    (result, [address, name]) =>
      result.replaceAll(address, name).replaceAll(encodeURIComponent(address), name),
    text,
  )
}

/** What a run found, as far as it is the same in every run. */
async function examine(url, names, active) {
  const { outcome, counts, checks, cleanup } = await runDoctor({ url, active })
  const findings = checks.flatMap(({ id, findings }) =>
    findings.map(({ level, reason, clients }) => ({
      id,
      level,
      reason: withNames(reason, names),
      clients: clients.map((client) => CLIENT_NAMES[client]),
    })),
  )
  const skipped = checks
    .filter(({ status }) => status === 'skipped')
    .map(({ id, reason }) => ({ id, reason: withNames(reason, names) }))
  const left = cleanup?.left.length
  return { outcome, counts, findings, skipped, ...(active ? { clientsLeft: left } : {}) }
}

async function examinePeer(peer, parent) {
  const { id, name, about, packages, node } = peer
  const folder = installPeer(peer, parent)
  const { resource, names, stop } = await servePeer(peer, folder)
  try {
    return {
      id,
      name,
      node: nodeOf(node).version,
      packages: Object.fromEntries(about.map((each) => [each, packages[each]])),
      passive: await examine(resource, names, false),
      active: await examine(resource, names, true),
    }
  } finally {
    await stop()
  }
}

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
    folder: { type: 'string' },
  },
})
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'doctor-on-peers-'))
try {
  const peers = []
  for (const peer of PEERS.filter(({ id }) => values.only === undefined || values.only === id)) {
    peers.push(await examinePeer(peer, folder))
  }
  const date = new Date().toISOString().slice(0, 10)
  const results = { date, clients: Object.values(CLIENT_NAMES), peers }
  if (values.write) {
    writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`)
    writeFileSync(PAGE, writeTables(readFileSync(PAGE, 'utf8'), results))
  } else {
    console.log(JSON.stringify(results, undefined, 2))
  }
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true })
}
