import { isLoopbackHost } from './formats.js'
import type { ConfigProblem } from './raw-environment.js'
import type { Environment } from './variables.js'

/** Where the server is, and who can reach it. */
export interface Exposure {
  /** Where clients reach this server, without a slash at the end. */
  readonly publicUrl: string
  /** Whether only this machine can reach it: it listens on loopback and is named so. */
  readonly loopback: boolean
}

/** The URL of a server on this machine, with the name that people use for the usual addresses. */
function localUrl(host: string, port: number): string {
  const name = host === '127.0.0.1' || host === '::1' ? 'localhost' : host
  // The origin leaves out port 80, as clients do.
  return new URL(`http://${name}:${port}`).origin
}

/** Reads where the server is, and reports what that lacks. */
export function readExposure(env: Environment, problems: ConfigProblem[]): Exposure {
  const given = env.PUBLIC_URL ?? env.OAUTH_SERVER_URL
  if (
    env.PUBLIC_URL !== undefined &&
    env.OAUTH_SERVER_URL !== undefined &&
    env.PUBLIC_URL !== env.OAUTH_SERVER_URL
  ) {
    const message = 'differs from PUBLIC_URL; remove one of the two'
    problems.push({ variable: 'OAUTH_SERVER_URL', message })
  }
  if (given === undefined && !isLoopbackHost(env.HOST)) {
    const message = 'is missing: off loopback it must say where clients reach the server'
    problems.push({ variable: 'PUBLIC_URL', message })
  }
  return {
    publicUrl: given ?? localUrl(env.HOST, env.PORT),
    loopback:
      isLoopbackHost(env.HOST) && (given === undefined || isLoopbackHost(new URL(given).hostname)),
  }
}

/** Reports a first run that somebody else could reach, or under a name that clients do not take. */
export function checkFirstRun(
  { PUBLIC_URL, OAUTH_SERVER_URL }: Environment,
  { publicUrl }: Exposure,
  problems: ConfigProblem[],
): void {
  const { protocol, hostname } = new URL(publicUrl)
  if (protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(hostname)) return
  const isNamed = PUBLIC_URL !== undefined || OAUTH_SERVER_URL !== undefined
  const message =
    'must be on http://localhost or http://127.0.0.1 while no way in is configured: the development sign-in lets everybody in'
  problems.push({ variable: isNamed ? 'PUBLIC_URL' : 'HOST', message })
}
