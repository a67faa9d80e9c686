import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PEERS } from '../../../../bench/doctor-on-peers/peers.mjs'
import {
  type RecordedPeer,
  type RecordedPeers,
  writeTables,
} from '../../../../bench/doctor-on-peers/report.mjs'
import { CHECK_IDS, CLIENT_IDS, CLIENT_NAMES } from '../../src/doctor/check.js'

const read = (path: string): string =>
  readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')

const page = read('docs/doctor-on-peers.md')
const results: RecordedPeers = JSON.parse(read('bench/results/doctor-on-peers.json'))

const runsOf = ({ passive, active }: RecordedPeer) => [passive, active]

describe('docs/doctor-on-peers.md', () => {
  it('has what was recorded, and nothing else', () => {
    expect(writeTables(page, results)).toBe(page)
    expect(page).toContain(`Run on ${results.date} `)
  })

  it('names the versions that are installed', () => {
    expect(results.peers.map(({ id }) => id)).toEqual(PEERS.map(({ id }) => id))
    for (const [index, { about, packages, name, node }] of PEERS.entries()) {
      const recorded = results.peers[index]
      expect(recorded?.name).toBe(name)
      expect(recorded?.packages).toEqual(Object.fromEntries(about.map((n) => [n, packages[n]])))
      expect(recorded?.node.startsWith(`v${node}.`)).toBe(true)
      for (const version of Object.values(packages)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    }
  })

  it('covers at least six peers, each with a server of its own', () => {
    const servers = readdirSync(
      new URL('../../../../bench/doctor-on-peers/servers', import.meta.url),
    )
    expect(servers.sort()).toEqual(PEERS.map(({ id }) => `${id}.mjs`).sort())
    expect(PEERS.length).toBeGreaterThanOrEqual(6)
  })

  it('records runs that were made, of checks and clients that exist', () => {
    expect(results.clients).toEqual(CLIENT_IDS.map((client) => CLIENT_NAMES[client]))
    for (const { outcome, counts, findings, skipped } of results.peers.flatMap(runsOf)) {
      expect(['passed', 'warnings', 'failed']).toContain(outcome)
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
      expect(total).toBe(CHECK_IDS.length)
      const known: readonly string[] = CHECK_IDS
      for (const { id } of [...findings, ...skipped]) expect(known).toContain(id)
      for (const { clients } of findings) {
        expect(clients.filter((client) => !results.clients.includes(client))).toEqual([])
      }
    }
  })
})
