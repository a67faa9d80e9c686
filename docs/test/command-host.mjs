// Runs the built command line tool again and again in one process: what it imports takes most of a second to
// load, which by day is paid once for all commands of a test file. `runBlocks` starts it and says where calls
// arrive: argv[2] is the program, argv[3] a folder with a pipe `calls`, which has one folder a line, in which
// the call is and its outcome.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'

const [, , program, home] = process.argv
// Whoever has started it holds the other end of its input. An exit would wait for the read of the pipe.
process.stdin.resume().on('end', () => {
  rmSync(home, { recursive: true, force: true })
  process.kill(process.pid, 'SIGKILL')
})
// Each run of the program listens to signals.
process.setMaxListeners(0)

function replace(name, value) {
  Object.defineProperty(process, name, { value, configurable: true, writable: true })
}

function collect() {
  const chunks = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { stream, read: () => Buffer.concat(chunks) }
}

/** The texts of a file that each end with a zero. */
const textsIn = (path) => readFileSync(path, 'utf8').split('\0').slice(0, -1)

let count = 0
async function run(folder) {
  const [stdout, stderr] = [collect(), collect()]
  const input = join(folder, 'in')
  const pairs = textsIn(join(folder, 'env')).map((line) => {
    const at = line.indexOf('=')
    return [line.slice(0, at), line.slice(at + 1)]
  })
  process.chdir(readFileSync(join(folder, 'cwd'), 'utf8'))
  process.env = Object.fromEntries(pairs)
  process.argv = [process.execPath, program, ...textsIn(join(folder, 'argv'))]
  replace('stdin', Readable.from(existsSync(input) ? [readFileSync(input)] : []))
  replace('stdout', stdout.stream)
  replace('stderr', stderr.stream)
  let code = 0
  replace('exit', (given) => {
    code = given ?? 0
  })
  try {
    count += 1
    await import(`${pathToFileURL(program).href}?call=${count}`)
  } catch (error) {
    code = 1
    stderr.stream.write(`${error?.stack ?? error}\n`)
  }
  writeFileSync(join(folder, 'out'), stdout.read())
  writeFileSync(join(folder, 'err'), stderr.read())
  // Opened by the shell that waits for it.
  writeFileSync(join(folder, 'done'), `${code}\n`)
}

// For reading and writing, so that it does not end between two calls.
const pipe = await open(join(home, 'calls'), 'r+')
for await (const folder of createInterface({ input: pipe.createReadStream() })) await run(folder)
