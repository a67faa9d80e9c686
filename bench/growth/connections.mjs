/* CPU of a request on Express 5 over 1, 10, 100 and 1,000 connections. */
import { measureCpu } from '../http/cpu-rounds.mjs'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'

const NUMBERS = effort([1, 10, 100, 1000], [1, 10])
const BARE = 'bare Express'
const CANDIDATES = [
  [BARE, 'base', 'none'],
  ['floor: SHA-256 and Map', 'floor', 'map-sha256'],
  ['ours, cached', 'ours', 'ours'],
  ['SDK v1 + jose', 'peer', 'sdk-v1'],
  ['SDK v2 + jose', 'peer', 'sdk-v2'],
]
const SIZE = { processes: 2, rounds: 5, warmUp: 2000, perSlice: 2000 }
const SMOKE = { processes: 1, rounds: 1, warmUp: 30, perSlice: 30 }

export async function measureConnections() {
  const jobs = NUMBERS.flatMap((connections) =>
    CANDIDATES.map(([label, , candidate]) => ({
      label: `${label}/${connections}`,
      app: 'express',
      candidate,
      connections,
      token: 'valid',
      status: 200,
    })),
  )
  const measured = await measureCpu({ jobs, ...effort(SIZE, SMOKE) })
  const cost = (label, connections) => measured.get(`${label}/${connections}`).microseconds
  const added = (label, connections) => cost(label, connections) - cost(BARE, connections)
  const most = NUMBERS.at(-1)
  return measuredTable(
    'connections',
    'CPU of an accepted request over N connections, Express 5',
    [
      ...NUMBERS.map((number) => [`${number}: us`, 1]),
      ...NUMBERS.map((number) => [`${number}: added us`, 1]),
      [`added, ${most} against 10`, 2],
    ],
    CANDIDATES.map(([label, role]) => ({
      label,
      role,
      values: [
        ...NUMBERS.map((number) => cost(label, number)),
        ...NUMBERS.map((number) => added(label, number)),
        label === BARE ? Number.NaN : added(label, most) / added(label, 10),
      ],
    })),
  )
}
