import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { credentialDigest, migrateCredentials } from '@bestviable/mcp-auth-middleware'
import {
  createEnvelopeCodec,
  generateEncryptionKey,
  localKeyProvider,
} from '@bestviable/mcp-auth-middleware/envelope'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/create-database.js'
import type { Database, Statement } from '../../src/database/database.js'
import { keyStatus } from '../../src/keys/key-status.js'
import { rotateKeys } from '../../src/keys/rewrap-records.js'
import { postgresTokenStore } from '../../src/postgres-token-store.js'
import { type TestDatabase, testEngines } from '../support/engines.js'
import { type CrashJob, crashKey } from './crash-job.js'
import type { CrashPlan } from './crash-points.js'

const CREDENTIALS = 1000
// Nightly: CRASH_ROUNDS=500. The seed is printed, and CRASH_SEED repeats a run.
const RANDOM_ROUNDS = Number(process.env.CRASH_ROUNDS ?? 50)
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)

const folder = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))
const program = `${folder}crash-${process.pid}.mjs`
const engine = testEngines().find(({ kind, skip }) => kind === 'postgres' && skip === undefined)

let testDatabase: TestDatabase
let connectionString: string
let database: Database
const ring = [generateEncryptionKey(), generateEncryptionKey()]
const digests = new Map<number, string>()

// Mulberry32: the same kills for the same seed.
let state = seed
function random(): number {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

const storeOf = (namespace: string) =>
  postgresTokenStore({
    database,
    encryptionKeys: ring.join(','),
    namespace,
    auditReads: 'off',
  })

const statement = (name: string, text: string): Statement => ({ name: `crash_${name}`, text })

/** A digest of every stored byte of a namespace. */
async function fingerprint(namespace: string): Promise<unknown> {
  const [row] = await database.query(
    statement(
      'fingerprint',
      `SELECT count(*)::int AS count, md5(string_agg(encode(key_digest, 'hex') || version::text ||
        encode(wrapped_key, 'hex') || encode(payload, 'hex'), '' ORDER BY key_digest)) AS digest
      FROM {schema}.credentials WHERE namespace = $1`,
    ),
    [namespace],
  )
  return row
}

async function runProgram(job: Omit<CrashJob, 'connectionString' | 'keys'>): Promise<{
  signal: NodeJS.Signals | null
  lines: string[]
}> {
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env.PATH,
      CRASH_JOB: JSON.stringify({ ...job, connectionString, keys: ring.join(',') }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (signal === null && code !== 0) throw new Error(`the program failed: ${stderr}`)
  return { signal, lines: stdout.trim().split('\n') }
}

/** Every await that an uninterrupted run passes, and how often. */
async function enumerate(operation: CrashJob['operation']): Promise<[string, number][]> {
  const { lines } = await runProgram({ operation, secret: 'canary-enumerated' })
  const last = lines.at(-1) ?? ''
  return JSON.parse(last.slice('points '.length)) as [string, number][]
}

/** Each point at two places of the run, then at random ones. */
function plansFor(points: readonly [string, number][], randomRounds: number): CrashPlan[] {
  const plans: CrashPlan[] = []
  for (const [point, count] of points) {
    plans.push({ point, occurrence: 1 })
    plans.push({ point, occurrence: 1 + Math.floor(random() * count) })
  }
  const total = points.reduce((sum, [, count]) => sum + count, 0)
  for (let round = 0; round < randomRounds; round++) {
    plans.push({ point: '*', occurrence: 1 + Math.floor(random() * total) })
  }
  return plans
}

/** Kills by plan. Concurrency may let a run end before the planned place is passed once more. */
async function kill(job: Omit<CrashJob, 'connectionString' | 'keys'>): Promise<string[]> {
  const { signal, lines } = await runProgram(job)
  expect(signal, JSON.stringify(job.plan)).toBe('SIGKILL')
  return lines
}

/** As many at a time as there are connections: the rest would wait past the deadline of a read. */
async function forEachCredential(run: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < CREDENTIALS) await run(next++)
  }
  await Promise.all(Array.from({ length: 5 }, worker))
}

async function expectDigests(namespace: string): Promise<void> {
  const store = storeOf(namespace)
  let right = 0
  const wrong: number[] = []
  await forEachCredential(async (index) => {
    const credential = await store.get(crashKey(index))
    const digest = credential && (await credentialDigest(credential))
    if (digest === digests.get(index)) right++
    else wrong.push(index)
  })
  expect({ right, wrong }).toEqual({ right: CREDENTIALS, wrong: [] })
}

beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints: [fileURLToPath(new URL('./crash-program.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  })
  if (engine === undefined) return
  testDatabase = await engine.createDatabase()
  connectionString = testDatabase.connectionString ?? ''
  database = createDatabase({ connectionString, listen: false })
  process.stderr.write(`[crash] seed ${seed}, ${RANDOM_ROUNDS} random rounds\n`)
  const store = storeOf('old')
  await forEachCredential(async (index) => {
    const secret = `canary-${index}-${'x'.repeat(index % 90)}`
    const input = { kind: 'api-key', secret } as const
    await store.set(crashKey(index), input)
    digests.set(index, await credentialDigest(input))
  })
}, 120_000)

afterAll(async () => {
  await database?.close()
  await testDatabase?.drop()
  rmSync(program, { force: true })
})

describe.skipIf(engine === undefined)('a process that is killed at any await', () => {
  it('of migrate: the next run completes, and the source is untouched', async () => {
    const before = await fingerprint('old')
    const points = await enumerate('migrate')
    expect(points.length).toBeGreaterThan(8)
    const empty = statement('empty', `DELETE FROM {schema}.credentials WHERE namespace = 'new'`)
    for (const plan of plansFor(points, Math.ceil(RANDOM_ROUNDS / 2))) {
      await database.query(empty, [], { kind: 'write' })
      await kill({ operation: 'migrate', plan })
      expect(await fingerprint('old')).toEqual(before)
      await migrateCredentials({ from: storeOf('old'), to: storeOf('new') })
      await expectDigests('new')
      expect(await fingerprint('old')).toEqual(before)
    }
    await database.query(empty, [], { kind: 'write' })
  }, 600_000)

  it('of rotate: the next run completes, and every credential is readable at each moment', async () => {
    // The seed was written under the first key: the first run moves it to the second.
    ring.reverse()
    const points = await enumerate('rotate')
    // That run moved all records under the current key: from here each run goes to the other one.
    for (const plan of plansFor(points, Math.ceil(RANDOM_ROUNDS / 4))) {
      ring.reverse()
      const { signal } = await runProgram({ operation: 'rotate', plan })
      // A run with less to do may end before it.
      if (plan.point !== '*') expect(signal, plan.point).toBe('SIGKILL')
      await expectDigests('old')
      const codec = createEnvelopeCodec({ keyProvider: localKeyProvider({ keys: ring.join(',') }) })
      await rotateKeys(database, codec)
      await expectDigests('old')
      const others = (await keyStatus(database, codec)).filter(
        ({ keyId }) => keyId !== codec.currentKeyId,
      )
      expect(others.every(({ records, safeToDrop }) => records === 0 && safeToDrop)).toBe(true)
    }
  }, 600_000)

  it('of set: what was acknowledged is stored, and nothing is in between', async () => {
    const points = await enumerate('set')
    const store = storeOf('old')
    let round = 0
    for (const plan of plansFor(points, Math.ceil(RANDOM_ROUNDS / 4))) {
      round++
      const held = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => (await store.get(crashKey(index)))?.secret),
      )
      const secret = `canary-round-${round}`
      const lines = await kill({ operation: 'set', secret, plan })
      const acknowledged = lines.filter((line) => /^\d+$/.test(line)).length
      for (const [index, old] of held.entries()) {
        const found = (await store.get(crashKey(index)))?.secret
        if (index < acknowledged) expect(found).toBe(`${secret}-${index}`)
        else if (index === acknowledged) expect([old, `${secret}-${index}`]).toContain(found)
        else expect(found).toBe(old)
      }
    }
  }, 600_000)
})
