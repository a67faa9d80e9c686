import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { databaseUnavailable } from '../database/database-errors.js'
import { errnoOf } from './errno.js'
import {
  createLockRecord,
  formatLockRecord,
  type HolderState,
  holderState,
  type LockRecord,
  parseLockRecord,
} from './lock-record.js'

/** A lock file that this process holds. */
export interface LockFile {
  readonly path: string
  /** Removes the file. Synchronous, so that it works while the process exits. Idempotent. */
  release(): void
}

// While another process takes a dead lock over, which takes it a few milliseconds.
const ATTEMPTS = 100
const PAUSE_MILLISECONDS = 20
const WITHOUT_HARD_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Writes the record to a file of its own, from where it gets its name with its content in it. */
function writeDraft(path: string, record: LockRecord): string {
  const draft = `${path}.new-${record.token}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, formatLockRecord(record))
    // Or a power failure may leave a lock file that is empty, which nobody may take over.
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return draft
}

function linkIfFree(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'EEXIST') return false
    if (code === undefined || !WITHOUT_HARD_LINKS.includes(code)) throw error
    throw databaseUnavailable(
      `the file system of ${JSON.stringify(dirname(path))} has no hard links, which the lock of PGlite needs; use a folder on a local disk`,
      code,
    )
  }
}

type Attempt =
  | { readonly kind: 'taken' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'held'; readonly holder: LockRecord | undefined; readonly state: HolderState }

/**
 * Tries once to put a record at a path where none, or that of a dead process, is.
 *
 * A dead record is replaced by whoever holds the claim on it, a lock file named after its token. Nobody
 * else removes it, so that the look under the claim and the rename cannot have a third process in
 * between; and a process that comes late, with an old claim in mind, finds another token there. A claim
 * whose holder died is taken over in the same way.
 */
function tryTake(path: string, claims: string, record: LockRecord): Attempt {
  const draft = writeDraft(claims, record)
  try {
    if (linkIfFree(draft, path)) return { kind: 'taken' }
    const text = readIfThere(path)
    if (text === undefined) return { kind: 'busy' }
    const holder = parseLockRecord(text)
    const state = holder === undefined ? 'elsewhere' : holderState(holder)
    if (holder === undefined || state !== 'dead') return { kind: 'held', holder, state }

    const claim = `${claims}.claim-${holder.token}`
    if (tryTake(claim, claims, createLockRecord()).kind !== 'taken') return { kind: 'busy' }
    try {
      if (readIfThere(path) !== text) return { kind: 'busy' }
      renameSync(draft, path)
      return { kind: 'taken' }
    } finally {
      removeIfThere(claim)
    }
  } finally {
    removeIfThere(draft)
  }
}

/** Removes what processes left that died while they tried. Only the holder may: claims are void by then. */
function removeLeftovers(path: string): void {
  const folder = dirname(path)
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${basename(path)}.claim-`)) removeIfThere(join(folder, name))
    if (!name.startsWith(`${basename(path)}.new-`)) continue
    const record = parseLockRecord(readIfThere(join(folder, name)) ?? '')
    // A draft without a record may be one that is written at this moment.
    if (record !== undefined && holderState(record) === 'dead') removeIfThere(join(folder, name))
  }
}

function describe(path: string, attempt: Attempt): string {
  const file = `lock file ${JSON.stringify(path)}`
  if (attempt.kind !== 'held') return `the ${file} changes hands all the time; try again`
  const { holder, state } = attempt
  if (holder === undefined) {
    return `the ${file} cannot be read as one; if no process uses its folder, remove the file`
  }
  if (state === 'elsewhere') {
    return `the PGlite database is in use by process ${holder.pid} of another host or container (${JSON.stringify(holder.host)}), says the ${file}; whether it still runs cannot be told from here: if it does not, remove the file`
  }
  const who = holder.pid === process.pid ? 'this process itself' : `process ${holder.pid}`
  return `the PGlite database is in use by ${who} (${file}); only one process can open it. The mcp-auth CLI talks to the running server through its admin socket; for several servers use PostgreSQL`
}

/**
 * Takes a lock file, which another process of this host can take over only after this one has ended.
 *
 * The file holds process id, start time, host and a random token. It is not taken over when its process
 * belongs to another host or container, since nobody can tell from here whether it runs. The folder must
 * be on a file system with hard links and shared by no two hosts of one name.
 *
 * @throws {@link StoreUnavailableError} naming the process and the file when another one holds it.
 */
export async function takeLockFile(path: string): Promise<LockFile> {
  let attempt: Attempt = { kind: 'busy' }
  let record = createLockRecord()
  for (let count = 0; attempt.kind === 'busy' && count < ATTEMPTS; count += 1) {
    if (count > 0) await delay(PAUSE_MILLISECONDS * Math.random())
    record = createLockRecord()
    attempt = tryTake(path, path, record)
  }
  const text = formatLockRecord(record)
  if (attempt.kind !== 'taken' || readIfThere(path) !== text) {
    throw databaseUnavailable(describe(path, attempt), 'ERR_FOLDER_IN_USE')
  }
  removeLeftovers(path)

  let isHeld = true
  function release(): void {
    if (!isHeld) return
    isHeld = false
    process.off('exit', release)
    if (readIfThere(path) === text) removeIfThere(path)
  }
  process.on('exit', release)
  return { path, release }
}
