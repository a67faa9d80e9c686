#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { isAuthError } from '@bestviable/mcp-auth-middleware'
import { parseCommandLine, usage } from './command-line.js'
import { ConfigError } from './config.js'
import { endOnSignals } from './drain.js'
import { startServer } from './server.js'
import { serveOverStdio } from './stdio.js'

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string }

async function serve(): Promise<void> {
  const drainOnSignals = endOnSignals()
  const { drain, server, logger } = await startServer({
    env: process.env,
    version,
    write: (text) => process.stdout.write(text),
  })
  drainOnSignals(drain, server, (error) => logger.error({ err: error }, 'shutdown failed'))
}

/** A start error is for the operator: what to set, without a stack around it. */
function format(error: unknown): string {
  if (!(error instanceof Error)) return 'the server could not start'
  if (error instanceof ConfigError || isAuthError(error)) return error.message
  const syscall: unknown = Reflect.get(error, 'syscall')
  const cannotListen = syscall === 'listen' || syscall === 'getaddrinfo'
  return cannotListen
    ? `${error.message}; set PORT or HOST to another one`
    : (error.stack ?? error.message)
}

const command = parseCommandLine(process.argv.slice(2))
try {
  if (command.kind === 'serve') await serve()
  else if (command.kind === 'stdio') serveOverStdio(process.env, version)
  else if (command.kind === 'help') process.stdout.write(usage)
  else if (command.kind === 'version') process.stdout.write(`${version}\n`)
  else {
    process.stderr.write(command.message)
    process.exitCode = 2
  }
} catch (error) {
  process.stderr.write(`${format(error)}\n`)
  process.exitCode = 1
}
