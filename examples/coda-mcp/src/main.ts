#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { ConfigError } from './config.js'
import { startServer } from './server.js'

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string }

try {
  await startServer({ env: process.env, version, write: (text) => process.stdout.write(text) })
} catch (error) {
  // A start error is for the operator: what to set, without a stack around it.
  const expected = error instanceof ConfigError || isStartError(error)
  process.stderr.write(`${expected ? (error as Error).message : format(error)}\n`)
  process.exitCode = 1
}

function isStartError(error: unknown): boolean {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return code === 'ERR_CONFIGURATION' || code === 'EADDRINUSE' || code === 'EACCES'
}

function format(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : 'the server could not start'
}
