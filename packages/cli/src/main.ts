import { EXIT_CODES } from './exit-codes.js'
import { run } from './program.js'

const interruption = new AbortController()

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second signal is for whoever cannot wait: every command can be run again.
    if (interruption.signal.aborted) process.exit(EXIT_CODES.interrupted)
    interruption.abort()
  })
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve()
    else stream.write('', () => resolve())
  })
}

const exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  isTerminal: {
    stdin: process.stdin.isTTY === true,
    stdout: process.stdout.isTTY === true,
    stderr: process.stderr.isTTY === true,
  },
  signal: interruption.signal,
  fetch: globalThis.fetch,
  now: Date.now,
})

await Promise.all([flush(process.stdout), flush(process.stderr)])
// A client library may still wait for an answer that nobody needs.
process.exit(exitCode)
