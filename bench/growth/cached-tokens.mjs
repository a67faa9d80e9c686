/*
 * A cache of N verified tokens: heap bytes of an entry, CPU of a hit and the longest pause of the
 * garbage collector while it fills. Each size in a process of its own, which is this module, started
 * with `--expose-gc`.
 */
import { spawnSync } from 'node:child_process'
import { createHash, createHmac, hash } from 'node:crypto'
import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createVerifier } from 'fast-jwt'
import { bearer } from '../candidates/bearer.mjs'
import { effort } from '../lib/effort.mjs'
import { send } from '../lib/exchange.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { isMain } from '../lib/program.mjs'
import { createAcceptingMiddleware, createClaims } from './accept-all.mjs'

const SIZES = effort([1000, 10_000, 100_000, 1_000_000], [1000])
const HITS = 20_000
const HEAP_MEGABYTES = 6000

const digest =
  hash ?? ((_name, text, encoding) => createHash('sha256').update(text).digest(encoding))
const segment = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Tokens of 1 KB, made anew each time as the HTTP parser does. */
const plainToken = (index) => `${'x'.repeat(780)}.${String(index).padStart(8, '0')}`

const SECRET = 'a secret of the bench that is long enough for HS256'

function signedToken(index) {
  const claims = { ...createClaims(index, 2_000_000_000), padding: 'x'.repeat(280) }
  const input = `${segment({ alg: 'HS256', typ: 'JWT' })}.${segment(claims)}`
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
}

function createFloor(entries) {
  const known = new Map()
  const middleware = bearer((token) => {
    const key = digest('sha256', token, 'base64url')
    const claims = known.get(key) ?? createClaims(known.size, 2_000_000_000)
    if (known.size < entries) known.set(key, claims)
    if (claims.exp * 1000 <= Date.now()) throw new Error('expired')
    return claims
  })
  return { middleware, token: plainToken }
}

function createFastJwt(entries) {
  const verify = createVerifier({ key: SECRET, algorithms: ['HS256'], cache: entries })
  return { middleware: bearer(verify), token: signedToken }
}

const KINDS = {
  floor: createFloor,
  ours: (entries) => ({
    middleware: createAcceptingMiddleware({ maxEntries: entries }),
    token: plainToken,
  }),
  'fast-jwt': createFastJwt,
}
const LABELS = {
  floor: ['floor: SHA-256 and Map of claims', 'floor'],
  ours: ['ours', 'ours'],
  'fast-jwt': ['fast-jwt, HS256 tokens', 'peer'],
}

function collected() {
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

async function measureHere(kind, entries) {
  // Code and inline caches are there before the first reading.
  const warm = KINDS[kind](500)
  for (let index = 0; index < 500; index += 1) await send(warm.middleware, warm.token(index))

  let longestPause = 0
  const note = (entries) => {
    for (const { duration } of entries) longestPause = Math.max(longestPause, duration)
  }
  const observer = new PerformanceObserver((list) => note(list.getEntries()))
  const { middleware, token } = KINDS[kind](entries)
  const before = collected()
  observer.observe({ entryTypes: ['gc'] })
  for (let index = 0; index < entries; index += 1) await send(middleware, token(index))
  // Pauses are told of between two turns of the event loop, and a full cache fills within one.
  await setImmediate()
  note(observer.takeRecords())
  observer.disconnect()
  const bytesPerEntry = (collected() - before) / entries

  // Far apart in memory, as callers come.
  const tokens = Array.from({ length: HITS }, (_, index) => token((index * 7919) % entries))
  for (const each of tokens.slice(0, 2000)) await send(middleware, each)
  const start = process.cpuUsage()
  for (const each of tokens) await send(middleware, each)
  const { user, system } = process.cpuUsage(start)
  return { bytesPerEntry, hit: (user + system) / HITS, longestPause }
}

function measureInProcess(kind, entries) {
  const parameters = [
    '--expose-gc',
    `--max-old-space-size=${HEAP_MEGABYTES}`,
    fileURLToPath(import.meta.url),
    kind,
    String(entries),
  ]
  const { stdout, status, stderr } = spawnSync(process.execPath, parameters, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr.slice(-2000))
  return JSON.parse(stdout)
}

export function measureCachedTokens() {
  const rows = SIZES.flatMap((entries) =>
    Object.keys(KINDS).map((kind) => {
      const { bytesPerEntry, hit, longestPause } = measureInProcess(kind, entries)
      const [label, role] = LABELS[kind]
      return { label: `${label}, ${entries}`, role, values: [bytesPerEntry, hit, longestPause] }
    }),
  )
  return measuredTable(
    'cached-tokens',
    'A cache of N verified tokens of 1 KB',
    [
      ['bytes per entry', 0],
      ['hit us', 2],
      ['longest GC pause ms', 1],
    ],
    rows,
  )
}

if (isMain(import.meta.url)) {
  const [kind, entries] = process.argv.slice(2)
  console.log(JSON.stringify(await measureHere(kind, Number(entries))))
}
