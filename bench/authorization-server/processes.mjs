import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SERVE = fileURLToPath(new URL('./serve.mjs', import.meta.url))

async function answerOf(child, message) {
  const given = new AbortController()
  const { signal } = given
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new Error('the server ended by itself')
  })
  ended.catch(() => {})
  const answer = once(child, 'message', { signal })
  if (message !== undefined) child.send(message)
  try {
    const [value] = await Promise.race([answer, ended])
    return value
  } finally {
    given.abort()
  }
}

/** Starts one of the servers of `servers/`. */
export async function startServer(name, connectionString = '') {
  const child = fork(SERVE, [name, connectionString], {
    env: { ...process.env, NODE_ENV: 'production' },
    execArgv: ['--expose-gc', '--no-warnings'],
    // oidc-provider warns about development defaults.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const { origin } = await answerOf(child)
  return {
    name,
    origin,
    /** CPU microseconds so far. */
    usage: async () => (await answerOf(child, 'usage')).microseconds,
    memory: () => answerOf(child, 'memory'),
    stop: () => child.disconnect(),
  }
}
