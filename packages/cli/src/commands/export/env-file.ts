import { parseEnv } from 'node:util'

/** Which program reads the file. */
export type EnvDialect = 'dotenv' | 'docker'

/** Characters that mean themselves everywhere, without quotes. */
const PLAIN = /^[A-Za-z0-9_./:@%+,=~^-]+$/

/** Formats one value for dotenv, Compose and `node --env-file`; `undefined` when no quotes fit. */
function formatDotenvValue(value: string): string | undefined {
  if (PLAIN.test(value)) return value
  // Readers turn \r\n into \n, whatever the quotes.
  if (value.includes('\r')) return undefined
  // Everything in single quotes is literal, in every one of those programs.
  if (!value.includes("'")) return `'${value}'`
  // Within double quotes \n, $ and \ mean something to some of them.
  if (!/["\\$\n`]/.test(value)) return `"${value}"`
  return undefined
}

/** Formats one value for `docker run --env-file`, which takes every line as it is. */
function formatDockerValue(value: string): string | undefined {
  return /[\r\n]/.test(value) ? undefined : value
}

/** Formats one line; `undefined` when the dialect cannot express the value. */
export function formatEnvLine(
  variable: string,
  value: string,
  dialect: EnvDialect,
): string | undefined {
  const formatted = dialect === 'docker' ? formatDockerValue(value) : formatDotenvValue(value)
  return formatted === undefined ? undefined : `${variable}=${formatted}\n`
}

function parseDocker(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.indexOf('=')
      return [line.slice(0, end), line.slice(end + 1)]
    }),
  )
}

/** Reads a file back as the programs of its dialect do. */
export function parseEnvFile(
  text: string,
  dialect: EnvDialect,
): Readonly<Record<string, string | undefined>> {
  return dialect === 'docker' ? parseDocker(text) : parseEnv(text)
}
