import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Variables of this machine that a program needs, and none that would configure a server. */
const machine = Object.fromEntries(
  ['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  ),
)

function start(command, parameters, { cwd, env = {} }) {
  return spawn(command, parameters, {
    cwd,
    env: { ...machine, NO_COLOR: '1', npm_config_update_notifier: 'false', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

function collect(child) {
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (chunk) => {
      output[name] += chunk
    })
  }
  return output
}

/** Runs a program to its end, and resolves with what it wrote and its exit code. */
export async function run(command, parameters, { input = '', ...options }) {
  const child = start(command, parameters, options)
  const output = collect(child)
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, ...output }
}

/** Runs a program that has to succeed. */
export async function succeed(command, parameters, options) {
  const { code, stdout, stderr } = await run(command, parameters, options)
  if (code === 0) return stdout
  throw new Error(`${command} ${parameters.join(' ')} ended with ${code}\n${stdout}${stderr}`)
}

// Making the embedded database, on a busy machine.
const START_MILLISECONDS = 180_000
const END_MILLISECONDS = 15_000

/** Starts the built server, and resolves when it is ready. It has to be ended. */
export async function startServer(folder, { env, url }) {
  const child = start(process.execPath, ['dist/main.js'], { cwd: folder, env })
  child.stdin.end()
  const output = collect(child)
  const closed = once(child, 'close')
  const deadline = Date.now() + START_MILLISECONDS
  const isReady = () =>
    fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isReady())) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`the server did not start\n${output.stdout}${output.stderr}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    output: () => output.stdout + output.stderr,
    /** Ends it as an orchestrator does; it has to end by itself, without an error. */
    async end() {
      child.kill('SIGTERM')
      const overdue = setTimeout(() => child.kill('SIGKILL'), END_MILLISECONDS)
      const [code, signal] = await closed
      clearTimeout(overdue)
      if (code !== 0) {
        const how = signal ?? code
        throw new Error(`the server ended with ${how}\n${output.stdout}${output.stderr}`)
      }
    },
  }
}
