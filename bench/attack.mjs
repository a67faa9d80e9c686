/*
 * CPU per refused request over HTTP: what traffic without a good token costs, against bare Express. Our
 * uncached acceptance of a valid token stands beside it: a bad signature may cost no more. A report.
 */
import { measureCpu } from './http/cpu-rounds.mjs'
import { effort } from './lib/effort.mjs'
import { measuredTable, reportTables } from './lib/measured-table.mjs'
import { isMain } from './lib/program.mjs'
import { benchVersions } from './lib/results.mjs'

const KINDS = {
  'no header': 'none',
  garbage: 'garbage',
  '8 KB of garbage': 'longGarbage',
  'alg none': 'algNone',
  expired: 'expired',
  'wrong issuer': 'wrongIssuer',
  'unknown kid': 'unknownKid',
  'bad signature': 'badSignature',
}
const CANDIDATES = [
  ['floor: synchronous check', 'floor', 'sync-verify'],
  ['ours', 'ours', 'ours'],
  ['SDK v1 + jose', 'peer', 'sdk-v1'],
  ['SDK v2 + jose', 'peer', 'sdk-v2'],
  ['aws-jwt-verify', 'peer', 'aws-jwt-verify'],
]
const SIZE = { processes: 2, rounds: 4, warmUp: 800, perSlice: 600 }
const SMOKE = { processes: 1, rounds: 1, warmUp: 30, perSlice: 30 }

const express = { app: 'express', status: 200 }
const BARE = { ...express, label: 'bare', candidate: 'none', token: 'none' }
const MISS = {
  ...express,
  label: 'ours, uncached',
  candidate: 'ours',
  options: { cache: false },
  token: 'valid',
}
// Valid requests first, so that the keys are there; their cost is in the tables of http.mjs.
const PRIMING = CANDIDATES.map(([name, , candidate]) => ({
  ...express,
  label: `${name}/valid`,
  candidate,
  token: 'valid',
}))
const ATTACKS = CANDIDATES.flatMap(([name, , candidate]) =>
  Object.entries(KINDS).map(([kind, token]) => ({
    ...express,
    label: `${name}/${kind}`,
    candidate,
    token,
    status: 401,
  })),
)

export async function measureAttacks() {
  const measured = await measureCpu({
    jobs: [BARE, MISS, ...PRIMING, ...ATTACKS],
    ...effort(SIZE, SMOKE),
  })
  const ofBare = (label) => measured.get(label).microseconds / measured.get('bare').microseconds
  const kinds = Object.keys(KINDS)
  const attacks = measuredTable(
    'attack',
    `CPU of a refused request, times bare Express (${measured.get('bare').microseconds.toFixed(1)} us)`,
    kinds.map((kind) => [kind, 2]),
    CANDIDATES.map(([label, role]) => ({
      label,
      role,
      values: kinds.map((kind) => ofBare(`${label}/${kind}`)),
    })),
  )
  const forged = measured.get('ours/bad signature').microseconds
  const miss = measured.get('ours, uncached').microseconds
  const signature = measuredTable(
    'bad-signature',
    'CPU of a bad signature against a good one that is not cached',
    [
      ['CPU us', 1],
      ['of the good one', 2],
    ],
    [
      { label: 'ours, a good signature, uncached', role: 'base', values: [miss, 1] },
      { label: 'ours, a bad signature', role: 'ours', values: [forged, forged / miss] },
    ],
  )
  return [attacks, signature]
}

if (isMain(import.meta.url)) reportTables('attack', benchVersions(), await measureAttacks())
