import { Console } from 'node:console'
import { CredentialRequiredError } from '@bestviable/mcp-auth-middleware'
import { envTokenStore } from '@bestviable/mcp-auth-store-env'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { pino } from 'pino'
import { createCodaClient } from './coda/coda-client.js'
import { codaTokenVariables, type RawEnvironment } from './config/raw-environment.js'
import { readStdioConfig } from './config/stdio.js'
import { createLogger } from './logger.js'
import { createCodaMcpServer } from './mcp-server.js'

/** Longest time between the end of the input and the end of the process, in milliseconds. */
const endMilliseconds = 3_000

/** Calls under way, so that the end can wait for their answers. */
function createPending() {
  let count = 0
  let whenNone: (() => void) | undefined
  return {
    begin: (): void => {
      count += 1
    },
    end: (): void => {
      count -= 1
      // The answer is written in the microtasks that follow.
      if (count === 0) setImmediate(() => whenNone?.())
    },
    none: async (): Promise<void> => {
      if (count === 0) return
      await new Promise<void>((resolve) => {
        whenNone = resolve
      })
    },
  }
}

/**
 * Serves the tools over standard input and output, to the program that has started this process, with
 * the Coda token of the environment. Nobody else can call, so nobody has to prove anything.
 *
 * Standard output belongs to the protocol: the log goes to standard error. The process ends when its
 * input ends or its output breaks, and on SIGTERM or SIGINT after the answers that are under way.
 *
 * @throws ConfigError listing everything that is wrong with the variables.
 */
export function serveOverStdio(env: RawEnvironment, version: string): void {
  const config = readStdioConfig(env)
  // A stray line there, of whatever package, would end the connection.
  globalThis.console = new Console(process.stderr, process.stderr)
  const destination = pino.destination({ dest: 2, sync: true })
  // Whoever has started us may have closed it; that is no reason to end.
  destination.on('error', () => {})
  const logger = createLogger(config.logLevel, destination)

  const store = envTokenStore({ env: codaTokenVariables(env) })
  const coda = createCodaClient({ baseUrl: config.codaBaseUrl })
  const shuttingDown = new AbortController()
  const pending = createPending()
  const connection = serveStdio(
    () =>
      createCodaMcpServer({
        coda,
        version,
        readOnly: config.readOnly,
        shuttingDown: shuttingDown.signal,
        credentialFor: async () => {
          pending.begin()
          const credential = await store.get({ provider: 'coda', owner: { kind: 'service' } })
          if (credential === undefined) throw new CredentialRequiredError('coda')
          return credential.secret
        },
        onToolCall: ({ error, ...call }) => {
          pending.end()
          if (error === undefined) logger.debug(call, 'tool called')
          else logger.error({ ...call, err: error }, 'tool failed')
        },
      }),
    { onerror: (error) => logger.debug({ err: error }, 'message refused') },
  )

  async function finish(): Promise<void> {
    await connection.close()
    await store.close()
    process.exit(0)
  }
  let ending = false
  function end(reason: string, afterAnswers: boolean): void {
    if (ending) return
    ending = true
    logger.debug({ reason }, 'ending')
    shuttingDown.abort()
    setTimeout(() => process.exit(0), endMilliseconds).unref()
    const answered = afterAnswers ? pending.none() : Promise.resolve()
    void answered.then(finish).catch(() => process.exit(1))
  }
  process.stdin.once('end', () => end('input ended', false))
  process.stdin.once('close', () => end('input closed', false))
  process.stdout.once('error', () => end('output broke', false))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => end(signal, true))
  }
  logger.info({ version, readOnly: config.readOnly }, 'coda-mcp serves one client over stdio')
}
