import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { takeLockFile } from '../../src/pglite/lock-file.js'
import {
  createLockRecord,
  formatLockRecord,
  holderState,
  parseLockRecord,
} from '../../src/pglite/lock-record.js'
import { type Child, createChildren } from './support/child.js'

const home = mkdtempSync(join(tmpdir(), 'mcp-auth-lock-'))
const children = createChildren()
let count = 0
let folder = ''
let path = ''

beforeEach(() => {
  count += 1
  folder = mkdtempSync(join(home, `${count}-`))
  path = join(folder, 'pglite.lock')
})

afterAll(async () => {
  await children.end()
  rmSync(home, { recursive: true, force: true })
})

function recordOf(text: string) {
  const record = parseLockRecord(text)
  if (record === undefined) throw new Error('no lock record')
  return record
}

/** The process id of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid ?? 0
}

describe('takeLockFile()', () => {
  it('makes a file for its owner only, and removes it with what it made beside it', async () => {
    const lock = await takeLockFile(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(recordOf(readFileSync(path, 'utf8'))).toMatchObject({
      pid: process.pid,
      host: hostname(),
    })
    expect(readdirSync(folder)).toEqual(['pglite.lock'])
    lock.release()
    lock.release()
    expect(readdirSync(folder)).toEqual([])
  })

  it('is refused a second time in the same process, and granted after the release', async () => {
    const lock = await takeLockFile(path)
    await expect(takeLockFile(path)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('this process itself'),
    })
    lock.release()
    const again = await takeLockFile(path)
    again.release()
  })

  it('leaves a file alone on release that is no longer its own', async () => {
    const lock = await takeLockFile(path)
    const other = formatLockRecord(createLockRecord())
    writeFileSync(path, other)
    lock.release()
    expect(readFileSync(path, 'utf8')).toBe(other)
  })

  it('does not take over from another host, also when no such process runs here', async () => {
    const record = { ...createLockRecord(), host: 'other-host', pid: await deadPid() }
    writeFileSync(path, formatLockRecord(record))
    await expect(takeLockFile(path)).rejects.toMatchObject({
      message: expect.stringMatching(/another host.*"other-host".*remove the file/),
    })
    expect(readFileSync(path, 'utf8')).toBe(formatLockRecord(record))
  })

  it('does not take over from another container of the same host name', async () => {
    const record = { ...createLockRecord(), pidNamespace: 'pid:[1]', pid: await deadPid() }
    writeFileSync(path, formatLockRecord(record))
    await expect(takeLockFile(path)).rejects.toThrow(/container/)
  })

  it.each([
    ['an empty file', ''],
    ['half a record', formatLockRecord(createLockRecord()).slice(0, 40)],
    ['a record with a process id of 0', formatLockRecord({ ...createLockRecord(), pid: 0 })],
  ])('does not take over %s', async (_, text) => {
    writeFileSync(path, text)
    await expect(takeLockFile(path)).rejects.toThrow(/cannot be read/)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('takes over from a process that has ended, and from one before a restart of the machine', async () => {
    writeFileSync(path, formatLockRecord({ ...createLockRecord(), pid: await deadPid() }))
    const lock = await takeLockFile(path)
    expect(recordOf(readFileSync(path, 'utf8')).pid).toBe(process.pid)
    lock.release()
    writeFileSync(
      path,
      formatLockRecord({ ...createLockRecord(), boot: 'other', takenAt: 0, pidNamespace: 'gone' }),
    )
    const next = await takeLockFile(path)
    next.release()
  })

  it.skipIf(process.platform !== 'linux')(
    'takes over where the process id now belongs to another process',
    async () => {
      writeFileSync(path, formatLockRecord({ ...createLockRecord(), started: '1' }))
      const lock = await takeLockFile(path)
      lock.release()
    },
  )

  it('takes over a claim whose holder died while it took over', async () => {
    const dead = { ...createLockRecord(), pid: await deadPid() }
    const claim = { ...createLockRecord(), pid: dead.pid }
    writeFileSync(path, formatLockRecord(dead))
    writeFileSync(`${path}.claim-${dead.token}`, formatLockRecord(claim))
    writeFileSync(`${path}.new-${claim.token}`, formatLockRecord(claim))
    const lock = await takeLockFile(path)
    expect(readdirSync(folder)).toEqual(['pglite.lock'])
    lock.release()
  })

  it('waits for a live process that takes over, and then reports who holds the lock', async () => {
    const dead = { ...createLockRecord(), pid: await deadPid() }
    writeFileSync(path, formatLockRecord(dead))
    writeFileSync(`${path}.claim-${dead.token}`, formatLockRecord(createLockRecord()))
    const taking = takeLockFile(path)
    const winner = { ...createLockRecord(), pid: process.ppid, started: '' }
    writeFileSync(path, formatLockRecord(winner))
    await expect(taking).rejects.toThrow(`process ${process.ppid} `)
  })
})

describe('holderState()', () => {
  it.skipIf(process.platform !== 'linux')(
    'sees that a killed process has ended while it is still listed',
    async () => {
      // A shell that does not ask for the exit code of its child.
      const shell = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 60'])
      const [chunk] = await once(shell.stdout, 'data')
      const pid = Number(String(chunk))
      const record = { ...createLockRecord(), pid, started: '' }
      await expect.poll(() => holderState(record)).toBe('dead')
      shell.kill('SIGKILL')
      await once(shell, 'exit')
    },
  )
})

describe('takeLockFile() in processes', () => {
  // By night 20 processes in five rounds; by day enough for a crowd, and a round of each kind.
  const [processes, rounds] = isLongForm ? [20, 5] : [8, 2]
  const crowd: Child[] = []
  beforeAll(async () => {
    for (let index = 0; index < processes; index += 1) crowd.push(await children.start())
  }, 180_000)

  async function contend(): Promise<Child[]> {
    const answers = await Promise.all(crowd.map((child) => child.ask({ type: 'lock', path })))
    const winners = crowd.filter((_, index) => answers[index]?.value === true)
    const losers = answers.flatMap(({ error }) => (error === undefined ? [] : [error]))
    expect(winners).toHaveLength(1)
    expect(losers).toHaveLength(processes - 1)
    for (const { code, message } of losers) {
      expect(code).toBe('ERR_STORE_UNAVAILABLE')
      expect(message).toContain(`process ${winners[0]?.pid} (lock file ${JSON.stringify(path)})`)
      expect(message).toContain('admin socket')
    }
    return winners
  }

  it('has one winner among many at once: with no file, a stale file, a stale claim, and again', async () => {
    for (let round = 0; round < rounds; round += 1) {
      for (const child of await contend()) await child.ask({ type: 'release' })
      expect(readdirSync(folder)).toEqual([])

      const dead = { ...createLockRecord(), pid: await deadPid() }
      writeFileSync(path, formatLockRecord(dead))
      if (round % 2 === 1) {
        const claim = { ...createLockRecord(), pid: dead.pid }
        writeFileSync(`${path}.claim-${dead.token}`, formatLockRecord(claim))
      }
      for (const child of await contend()) await child.ask({ type: 'release' })
      expect(readdirSync(folder)).toEqual([])
    }
  })

  it('is released by a process that exits, and taken over from one that is killed', async () => {
    const [first, second, third] = crowd
    if (first === undefined || second === undefined || third === undefined) throw new Error('few')
    expect(await first.ask({ type: 'lock', path })).toEqual({ value: true })
    void first.ask({ type: 'exit' })
    await first.exited()
    expect(readdirSync(folder)).toEqual([])

    expect(await second.ask({ type: 'lock', path })).toEqual({ value: true })
    expect((await third.ask({ type: 'lock', path })).error?.message).toContain(`${second.pid}`)
    await second.kill()
    expect(await third.ask({ type: 'lock', path })).toEqual({ value: true })
    expect(recordOf(readFileSync(path, 'utf8')).pid).toBe(third.pid)
  })
})
