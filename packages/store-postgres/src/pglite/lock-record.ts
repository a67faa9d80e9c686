import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, uptime } from 'node:os'
import * as z from 'zod/mini'

/** Who holds a lock file. */
export interface LockRecord {
  readonly host: string
  readonly pid: number
  /** Tells two processes with one id apart; `''` where the system does not say. */
  readonly started: string
  /** Tells two runs of a machine apart; `''` where the system does not say. */
  readonly boot: string
  /** Process ids of two containers mean different processes; `''` where the system does not say. */
  readonly pidNamespace: string
  /** Epoch milliseconds. */
  readonly takenAt: number
  /** Random, so that no two lock files are ever equal. */
  readonly token: string
}

/** What can be said from here about the process that holds a lock file. */
export type HolderState = 'alive' | 'dead' | 'elsewhere'

const Text = z.string().check(z.maxLength(256))
const Schema = z.strictObject({
  host: Text,
  pid: z.int().check(z.positive()),
  started: Text,
  boot: Text,
  pidNamespace: Text,
  takenAt: z.number(),
  token: z.string().check(z.regex(/^[0-9a-f]{32}$/)),
})

// Clocks are set while a machine starts.
const BOOT_TOLERANCE_MILLISECONDS = 60_000
const STATE_FIELD = 0
const START_TIME_FIELD = 19

function readOrEmpty(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

const bootId = () =>
  readOrEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
const pidNamespace = () => readOrEmpty(() => readlinkSync('/proc/self/ns/pid'))

/** Fields of `/proc/<pid>/stat` after the name, which may itself contain blanks and parentheses. */
function processFields(pid: number): readonly string[] {
  const text = readOrEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  const end = text.lastIndexOf(')')
  return end < 0 ? [] : text.slice(end + 2).split(' ')
}

/** Describes this process as the holder of a new lock file. */
export function createLockRecord(): LockRecord {
  return {
    host: hostname(),
    pid: process.pid,
    started: processFields(process.pid)[START_TIME_FIELD] ?? '',
    boot: bootId(),
    pidNamespace: pidNamespace(),
    takenAt: Date.now(),
    token: randomBytes(16).toString('hex'),
  }
}

/** Formats a record for its file. */
export function formatLockRecord(record: LockRecord): string {
  return `${JSON.stringify(record)}\n`
}

/** Parses what {@link formatLockRecord} made; `undefined` for anything else. */
export function parseLockRecord(text: string): LockRecord | undefined {
  try {
    const result = Schema.safeParse(JSON.parse(text))
    return result.success ? result.data : undefined
  } catch {
    return undefined
  }
}

function hasRestartedSince(record: LockRecord): boolean {
  const boot = bootId()
  if (boot !== '' && record.boot !== '') return boot !== record.boot
  const bootedAt = Date.now() - uptime() * 1000
  return bootedAt - BOOT_TOLERANCE_MILLISECONDS > record.takenAt
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, under another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** Tells whether the holder of a lock file still runs. In doubt it does. */
export function holderState(record: LockRecord): HolderState {
  if (record.host !== hostname()) return 'elsewhere'
  if (hasRestartedSince(record)) return 'dead'
  if (record.pidNamespace !== pidNamespace()) return 'elsewhere'
  if (!isRunning(record.pid)) return 'dead'
  const fields = processFields(record.pid)
  if (fields.length === 0) return 'alive'
  // A killed process whose parent has not asked for its exit code yet still has its id.
  if (/^[ZXx]$/.test(fields[STATE_FIELD] ?? '')) return 'dead'
  const started = fields[START_TIME_FIELD] ?? ''
  return record.started === '' || record.started === started ? 'alive' : 'dead'
}
