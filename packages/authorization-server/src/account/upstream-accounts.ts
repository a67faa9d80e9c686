import type { EngineParts } from '../engine/parts.js'
import type { ApiTokenLogin } from '../login/login-provider.js'

/** Upstreams whose tokens people can have stored here. */
export function upstreamAccounts({ connect, logins }: EngineParts): readonly ApiTokenLogin[] {
  const all = [connect?.login, ...logins].flatMap((login) =>
    login?.kind === 'api-token' ? [login] : [],
  )
  return all.filter(({ id }, index) => all.findIndex((other) => other.id === id) === index)
}
