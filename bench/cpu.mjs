/*
 * CPU per request on Express 5 over loopback HTTP, as what each candidate adds to bare Express. A
 * report: times move with the machine, ratios of one run less. Runs on this Node.js and on Node.js 24.
 */
import { measureCpu } from './http/cpu-rounds.mjs'
import { findNode24 } from './lib/node-versions.mjs'
import { isMain, printTable } from './lib/program.mjs'

const BARE = 'bare Express'
const REFERENCE = 'SDK v1 + jose'
const JOBS = [
  [BARE, 'none'],
  ['floor: SHA-256 and Map', 'map-sha256'],
  ['ours, warm', 'ours'],
  [REFERENCE, 'sdk-v1'],
  ['SDK v2 + jose', 'sdk-v2'],
  ['mcp-auth', 'mcp-auth'],
  ['express-oauth2-jwt-bearer', 'express-oauth2-jwt-bearer'],
  ['aws-jwt-verify', 'aws-jwt-verify'],
].map(([label, candidate]) => ({ label, candidate, token: 'valid', status: 200 }))

async function measureOn({ path, version }) {
  const measured = await measureCpu({
    jobs: JOBS,
    execPath: path,
    processes: 5,
    rounds: 4,
    warmUp: 8000,
  })
  const bare = measured.get(BARE).microseconds
  const reference = measured.get(REFERENCE).microseconds - bare
  const rows = JOBS.map(({ label }) => {
    const { microseconds, rss } = measured.get(label)
    const added = microseconds - bare
    return { label, microseconds, added, ofReference: added / reference, rss }
  })
  return { version, rows }
}

/** Measures on every Node.js that is there. */
export async function measureHttpCpu() {
  const here = { path: process.execPath, version: process.version }
  const node24 = process.version.startsWith('v24.') ? undefined : findNode24()
  const runs = []
  for (const node of node24 === undefined ? [here] : [here, node24]) {
    runs.push(await measureOn(node))
  }
  return runs
}

export function printHttpCpu(runs) {
  for (const { version, rows } of runs) {
    printTable(
      `CPU per request, Express 5, 10 connections, Node.js ${version}`,
      ['candidate', 'CPU us', 'added us', `of what ${REFERENCE} adds`, 'RSS MB'],
      rows.map(({ label, microseconds, added, ofReference, rss }) => [
        label,
        microseconds.toFixed(1),
        label === BARE ? '-' : added.toFixed(1),
        label === BARE ? '-' : ofReference.toFixed(2),
        Math.round(rss / 1e6),
      ]),
    )
  }
  if (!runs.some(({ version }) => version.startsWith('v24.'))) {
    console.log(
      '\nNode.js 24: skipped, no binary in NODE24 or node_modules/.cache/node-24/bin/node',
    )
  }
}

if (isMain(import.meta.url)) printHttpCpu(await measureHttpCpu())
