/* Goals 20 to 23: the authorization server. */
import { findValue } from '../results.mjs'
import { number, ratio, reader, worst } from './read.mjs'

/** Endpoints of the authorization server: the worst of some operations, against both peers. */
function endpoint(results, operations) {
  const of = (label, column) =>
    worst(
      operations.map((operation) =>
        findValue(results, 'authorization-server-20', `token-${operation}`, label, column),
      ),
    )
  const ofOidcProvider = 'server, of oidc-provider'
  const ours = of('ours on PostgreSQL', ofOidcProvider)
  const ofBetterAuth = of('ours on PostgreSQL', 'together, of better-auth')
  return {
    floor: of('floor: Map, ES256', ofOidcProvider),
    peer: of('oidc-provider in memory', ofOidcProvider),
    ours,
    isMet: ofBetterAuth === undefined ? undefined : ours <= 2.5 && ofBetterAuth <= 0.5,
    note: ofBetterAuth === undefined ? '' : `; ${ofBetterAuth.toFixed(2)} of better-auth`,
  }
}

export const AUTHORIZATION_SERVER_GOALS = [
  {
    number: 20,
    what: 'own layer over the engine, code and refresh with ES256, of oidc-provider with the same adapter in memory, the worse',
    limit: 1.3,
    format: ratio,
    peer: 'oidc-provider',
    read(results) {
      const at = reader(results, 'authorization-server-20', 'own-layer')
      const [code, refresh] = ['code', 'refresh'].map((operation) =>
        at('ours in memory', `${operation}, of oidc-provider`),
      )
      return {
        peer: at('oidc-provider with the same adapter', 'code, of oidc-provider'),
        ours: worst([code, refresh]),
        note: code === undefined ? '' : ` (code ${ratio(code)}, refresh ${ratio(refresh)})`,
      }
    },
    cause:
      'a refresh also keeps a record for the token, and its answer for a client that repeats it; fewer records would change it',
  },
  {
    number: 21,
    what: 'code and refresh with ES256 on PostgreSQL, of oidc-provider in memory, the worse (and at most 0.5 of better-auth on PostgreSQL)',
    limit: 2.5,
    format: ratio,
    peer: 'oidc-provider in memory',
    read: (results) => endpoint(results, ['code', 'refresh']),
    cause:
      'two round trips to the database and the audit trail; fewer checks of the registration at each request would change it',
  },
  {
    number: 22,
    what: 'introspection on PostgreSQL, of oidc-provider in memory (and at most 0.5 of better-auth)',
    limit: 2.5,
    format: ratio,
    peer: 'oidc-provider in memory',
    read: (results) => endpoint(results, ['introspect']),
    cause:
      'a round trip to the database and the sealed rows that it brings, which a server in memory has not',
  },
  {
    number: 23,
    what: 'refresh rotation on PostgreSQL, statements that decide the winner',
    limit: 1,
    format: number(0),
    peer: 'five statements by hand',
    read(results) {
      const at = reader(results, 'authorization-server-20', 'rotation')
      const backend = at('ours, a whole refresh', 'backend, of the floor')
      return {
        floor: at('floor: one CTE statement', 'that lock'),
        peer: at('by hand: a transaction of five statements', 'that lock'),
        ours: at('ours, a whole refresh', 'that lock'),
        note:
          backend === undefined ? '' : `, backend ${backend.toFixed(1)} times the one statement`,
      }
    },
    cause: 'more than one statement locks',
  },
]
