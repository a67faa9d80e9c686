import { readFileSync } from 'node:fs'

/** Variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where the server is. Everything else reads its own variables from `env`. */
export interface Settings {
  readonly name: string
  readonly version: string
  readonly host: string
  readonly port: number
  /** Origin under which clients reach the server. */
  readonly publicUrl: string
  /** The URL that clients are given. */
  readonly resource: string
  /** Whether nobody but this machine can reach the server. */
  readonly isLocal: boolean
  readonly env: Environment
}

function readSecretFile(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Without the path: some put the secret itself there.
    throw new Error(`${name} names a file that cannot be read (${code})`, { cause })
  }
}

/** Reads `NAME`, or the file that `NAME_FILE` names. Empty is unset. */
export function readVariable(env: Environment, name: string): string | undefined {
  const path = env[`${name}_FILE`]
  const value = path ? readSecretFile(path, `${name}_FILE`) : env[name]
  return value?.trim() || undefined
}

/** Reads variables that have to be there, and throws an error that names all that are not. */
export function requireVariables<Name extends string>(
  env: Environment,
  ...names: readonly Name[]
): Readonly<Record<Name, string>> {
  const values = names.map((name) => [name, readVariable(env, name)] as const)
  const missing = values.flatMap(([name, value]) => (value === undefined ? [name] : []))
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')} (see .env.example)`)
  return Object.fromEntries(values) as Record<Name, string>
}

const LOOPBACK: readonly string[] = ['127.0.0.1', '::1', 'localhost']

/** Reads where the server is, and throws an error for a place that it cannot have. */
export function readSettings(env: Environment): Settings {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { name, version } = JSON.parse(manifest) as { name: string; version: string }
  const host = readVariable(env, 'HOST') ?? '127.0.0.1'
  const port = Number(readVariable(env, 'PORT') ?? '8080')
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) throw new Error('PORT is no port')
  const publicUrl = LOOPBACK.includes(host)
    ? (readVariable(env, 'PUBLIC_URL') ?? `http://localhost:${port}`)
    : requireVariables(env, 'PUBLIC_URL').PUBLIC_URL
  if (!URL.canParse(publicUrl) || new URL(publicUrl).origin !== publicUrl) {
    throw new Error('PUBLIC_URL must be an origin such as https://mcp.example.com')
  }
  const isLocal = LOOPBACK.includes(host) && LOOPBACK.includes(new URL(publicUrl).hostname)
  return { name, version, host, port, publicUrl, resource: `${publicUrl}/mcp`, isLocal, env }
}
