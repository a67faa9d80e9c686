/* Goals 12 to 16: cold start, installation and bundle. */
import { number, ratio, reader, SDK_V1, subtract } from './read.mjs'

export const START_AND_SIZE_GOALS = [
  {
    number: 12,
    what: 'cold start, CPU added until the first authenticated answer, of SDK v1',
    limit: 1,
    format: ratio,
    peer: 'aws-jwt-verify',
    read(results) {
      const at = reader(results, 'cold-20', 'cold')
      const column = `of what ${SDK_V1} adds`
      return {
        floor: at('floor: one synchronous check', column),
        peer: at('aws-jwt-verify', column),
        ours: at('ours', column),
      }
    },
    cause:
      'more than half comes with the first fetch of keys, for which Node.js loads its fetch (about 45 ms in a profile of 2026-11-22); keys fetched by node:https, which Express has loaded already, would change it. The rest are about 30 files and the schemas of all options, which are built at the import',
  },
  {
    number: 13,
    what: 'RSS added after it, of SDK v1',
    limit: 1,
    format: ratio,
    peer: 'aws-jwt-verify',
    read(results) {
      const at = reader(results, 'cold-20', 'cold')
      const column = `RSS of what ${SDK_V1} adds`
      return {
        floor: at('floor: one synchronous check', column),
        peer: at('aws-jwt-verify', column),
        ours: at('ours', column),
      }
    },
    cause: 'see goal 12',
  },
  {
    number: 14,
    what: 'installation of the core, packages beside itself (and at most 8 MB)',
    limit: 3,
    format: number(0),
    peer: 'express-oauth2-jwt-bearer',
    read(results) {
      const at = reader(results, 'size-20', 'install')
      const megabytes = at('ours: core', 'node_modules MB')
      const packages = subtract(at('ours: core', 'packages'), 1)
      return {
        floor: at('floor: jose', 'packages'),
        peer: at('express-oauth2-jwt-bearer', 'packages'),
        ours: packages,
        isMet: megabytes === undefined ? undefined : packages <= 3 && megabytes <= 8,
        note: megabytes === undefined ? '' : `, ${megabytes.toFixed(1)} MB`,
      }
    },
    cause:
      'lru-cache is most of it, with its ESM, CommonJS and minified forms and their source maps',
  },
  {
    number: 15,
    what: 'installation with express and PostgreSQL, MB',
    limit: 16,
    format: number(1),
    peer: 'SDK v2, express and jose',
    read(results) {
      const at = reader(results, 'size-20', 'install')
      return {
        floor: at('floor: express, pg and jose', 'node_modules MB'),
        peer: at('SDK v2, express and jose', 'node_modules MB'),
        ours: at('ours: core, PostgreSQL and express', 'node_modules MB'),
      }
    },
    cause:
      'zod, which the PostgreSQL store declares by itself, is most of it, with its versions 3 and 4 as ESM, CommonJS and sources; bundled there as well, it would be gone',
  },
  {
    number: 16,
    what: 'bundle of core, one validator and the Express adapter, with jose, gzip, kB',
    limit: 24,
    format: number(1),
    peer: 'aws-jwt-verify',
    read(results) {
      const at = reader(results, 'size-20', 'bundle')
      return {
        floor: at('floor: jwtVerify, createRemoteJWKSet of jose', 'gzip kB'),
        peer: at('aws-jwt-verify', 'gzip kB'),
        ours: at('ours: core, oidc, Express adapter, jose', 'gzip kB'),
      }
    },
    cause:
      'of 114 kB before gzip (2026-11-22), our own code is most, zod/mini about 28 and jose 13: strict validation of options and claims, Host and Origin, scopes, sessions, streams and revocation, which the peers do not have; adapters that leave out what is not configured would change it',
  },
]
