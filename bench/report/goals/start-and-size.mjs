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
      'the import of zod/mini, which loads every language of its messages: with it bundled into the package, an import takes 0.58 times the CPU (2026-11-22, Node.js 20, one interleaved run)',
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
    cause: 'see goal 12: bundled, 5 MB less',
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
      'zod is most of it, with its versions 3 and 4 as ESM, CommonJS and sources; bundled into the package, it would be no dependency any more',
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
    cause: 'see goal 14',
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
      'of 143 kB before gzip (2026-11-22), our own code is 77, zod/mini 32, lru-cache 19 and jose 14; schemas that are made at the top of a module keep a bundler from leaving them out, and a small cache of our own would save most of lru-cache',
  },
]
