import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

// One heap layout and one order of events for every run, so that counts repeat.
const NODE_FLAGS = ['--single-threaded', '--predictable', '--hash-seed=1', '--random-seed=1']

function isInstalled() {
  return spawnSync('valgrind', ['--version']).status === 0
}

/** Whether callgrind can be used. On CI a missing valgrind is installed first. */
export function hasCallgrind() {
  if (isInstalled()) return true
  if (process.env.CI !== 'true') return false
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  for (const step of [['update'], ['install', '-y', 'valgrind']]) {
    const [command, ...parameters] = [...sudo, 'apt-get', ...step]
    spawnSync(command, parameters, { stdio: 'inherit' })
  }
  return isInstalled()
}

/** Ends one part of the count and begins the next, in the program that is counted. */
export function mark() {
  process.umask(0o022)
}

/**
 * Has callgrind look on from here, in the program that is counted. What comes before, the start and the
 * warming up, runs without it, which is several times faster.
 */
export async function beginCounting() {
  // Callgrind takes orders between instructions, so that some have to run.
  const busy = setInterval(() => undefined, 1)
  process.stdout.write('ready\n')
  await once(process.stdin, 'data')
  clearInterval(busy)
  process.stdin.destroy()
  mark()
}

/**
 * Runs a Node.js program under callgrind and resolves to the instructions of all its threads between its
 * {@link beginCounting} and its {@link mark}.
 *
 * @param keep - folder for the profiles, to be read with `callgrind_annotate`. Default: not kept.
 */
export async function countInstructions(parameters, keep) {
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'mcp-auth-callgrind-'))
  const outFile = join(folder, 'callgrind.out')
  try {
    await runCallgrind(parameters, outFile)
    const total = /^totals: (\d+)$/m.exec(readFileSync(`${outFile}.2`, 'utf8'))?.[1]
    if (total === undefined) throw new Error(`${parameters.join(' ')} was not counted`)
    return Number(total)
  } finally {
    if (keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

function runCallgrind(parameters, outFile) {
  return new Promise((resolve, reject) => {
    const child = spawn(
      'valgrind',
      [
        '--tool=callgrind',
        '--instr-atstart=no',
        `--callgrind-out-file=${outFile}`,
        // Writes a part and begins anew when the C function is called, which nothing else does.
        '--dump-before=umask',
        process.execPath,
        ...NODE_FLAGS,
        ...parameters,
      ],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, NODE_ENV: 'production', UV_THREADPOOL_SIZE: '1' },
      },
    )
    let log = ''
    child.stderr.on('data', (chunk) => {
      log += chunk
    })
    child.on('error', reject)
    child.stdout.once('data', () => {
      promisify(execFile)('callgrind_control', ['--instr=on', String(child.pid)]).then(
        () => child.stdin.end('go\n'),
        (error) => {
          child.kill()
          reject(error)
        },
      )
    })
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${parameters.join(' ')} ended with ${code}\n${log.slice(-2000)}`))
    })
  })
}
