/* Goals 1 to 11: one token, one request, attack traffic and outbound fetches. */
import { findValue } from '../results.mjs'
import { instructions, number, ratio, reader, SDK_V1, worst } from './read.mjs'

const SYNCHRONOUS =
  'jose verifies by WebCrypto, on a thread of libuv; a synchronous check by node:crypto behind the same interface would change it, and would hold the event loop for 20 to 80 us'

export const REQUEST_GOALS = [
  {
    number: 1,
    what: 'verification that nothing is known of, RS256, CPU, of jose',
    limit: 1.15,
    format: ratio,
    peer: 'aws-jwt-verify',
    read(results) {
      const at = reader(results, 'verification-20', 'miss')
      return {
        floor: at('floor: the signature alone', 'of jose'),
        peer: at('aws-jwt-verify, verifySync', 'of jose'),
        ours: at('ours, validator alone', 'of jose'),
      }
    },
    cause: `what is added to jose are the strict checks. ${SYNCHRONOUS}`,
  },
  {
    number: 2,
    what: 'token that is known, CPU, of a fast-jwt hit',
    limit: 0.9,
    format: ratio,
    peer: 'fast-jwt, cache hit',
    read(results) {
      const at = reader(results, 'verification-20', 'hit')
      return {
        floor: at('floor: SHA-256 and Map', 'of a fast-jwt hit'),
        peer: at('fast-jwt, cache hit', 'of a fast-jwt hit'),
        ours: at('ours, middleware', 'of a fast-jwt hit'),
      }
    },
    cause:
      'a hit through the middleware also reads the request, Host and Origin, scopes and revocation',
  },
  {
    number: 3,
    what: 'the same through the middleware, instructions, of SDK v1 with jose',
    limit: 0.09,
    format: number(3),
    peer: 'fast-jwt, cache hit',
    read: (results) => ({
      floor: instructions(results, 'floor: SHA-256 and Map', 'SDK v1 + jose, warm'),
      peer: instructions(results, 'fast-jwt, cache hit', 'SDK v1 + jose, warm'),
      ours: instructions(results, 'ours, warm', 'SDK v1 + jose, warm'),
    }),
    cause: 'see goal 2',
  },
  {
    number: 4,
    what: 'CPU added to bare Express, known token, Node.js 24, of what SDK v1 adds',
    limit: 0.2,
    format: ratio,
    peer: SDK_V1,
    read(results) {
      const at = reader(results, 'http-24', 'accepted-express')
      const column = `of what ${SDK_V1} adds`
      return {
        floor: at('floor: SHA-256 and Map', column),
        peer: at(SDK_V1, column),
        ours: at('ours, cached', column),
      }
    },
    cause:
      'two processes of one Express program differ by tens of microseconds, so that the floor can come out below zero; on plain node:http the same middleware adds a sixth of what jose by hand adds. More processes a group would make it surer',
  },
  {
    number: 5,
    what: 'whole MCP tools/call, known token, of none, the worse of Node.js 20 and 24',
    limit: 1.1,
    format: ratio,
    peer: SDK_V1,
    read(results) {
      const both = (label) =>
        worst(
          [20, 24].map((major) =>
            findValue(results, `http-${major}`, 'accepted-mcp', label, 'of bare'),
          ),
        )
      return {
        floor: both('floor: SHA-256 and Map'),
        peer: both(SDK_V1),
        ours: both('ours, cached'),
      }
    },
    cause: 'processes of one Express program differ by more than what is added',
  },
  {
    number: 6,
    what: 'wait of a known token while the libuv pool is busy, longest, ms',
    limit: 2,
    format: number(2),
    peer: 'fast-jwt, its cache',
    read(results) {
      const at = reader(results, 'pool-20', 'pool')
      return {
        floor: at('floor: SHA-256 and Map', 'longest ms'),
        peer: at('fast-jwt, its cache', 'longest ms'),
        ours: at('ours, cached', 'longest ms'),
      }
    },
    cause:
      'the answer comes within the call (counted, a gate), so that only the scheduling of the machine is left',
  },
  {
    number: 7,
    what: '401 without a header, instructions, of SDK v1',
    limit: 0.25,
    format: number(3),
    peer: 'SDK v1',
    read: (results) => ({
      peer: instructions(results, 'SDK v1, 401 without header', 'SDK v1, 401 without header'),
      ours: instructions(results, 'ours, 401 without header', 'SDK v1, 401 without header'),
    }),
    cause: 'the challenge is built for each request',
  },
  {
    number: 8,
    what: 'forged claims or kid, CPU over HTTP, of bare Express, Node.js 24, the worst kind',
    limit: 2,
    format: ratio,
    peer: 'aws-jwt-verify',
    read(results) {
      const at = reader(results, 'attack-24', 'attack')
      const most = (label) =>
        worst(['expired', 'wrong issuer', 'unknown kid'].map((kind) => at(label, kind)))
      return {
        floor: most('floor: synchronous check'),
        peer: most('aws-jwt-verify'),
        ours: most('ours'),
      }
    },
    cause: 'a refusal reports an event and formats its challenge; both are needed',
  },
  {
    number: 9,
    what: 'bad signature with a known kid, CPU, of a good one that is not cached',
    limit: 1,
    format: ratio,
    peer: 'none has the row',
    read(results) {
      const at = reader(results, 'attack-24', 'bad-signature')
      return { ours: at('ours, a bad signature', 'of the good one') }
    },
    cause: 'jose reports a bad signature by throwing, which costs a stack trace',
  },
  {
    number: 10,
    what: 'key fetches for 10,000 random kids in 120 s, one issuer',
    limit: 5,
    format: number(0),
    peer: 'aws-jwt-verify',
    read(results) {
      const counts = results.get('fetches-20')?.counts
      return {
        floor: counts && 0,
        peer: counts?.['aws-jwt-verify'].flood.fetches,
        ours: counts?.ours.flood.fetches,
      }
    },
    cause: 'at most one in 30 s',
  },
  {
    number: 11,
    what: 'key endpoint down: fetches for 1,000 requests in 10 s; all answered 503 when cold, and rightly for 10 min when warm',
    limit: 5,
    format: number(0),
    peer: SDK_V1,
    read(results) {
      const counts = results.get('fetches-20')?.counts
      const isRight = counts?.ours.cold.answers[503] === 1000 && counts.ours.warm.wrong === 0
      return {
        floor: counts && 1,
        peer: counts?.[SDK_V1].cold.fetches,
        ours: counts && (isRight ? counts.ours.cold.fetches : Number.POSITIVE_INFINITY),
      }
    },
    cause: 'an answer was wrong',
  },
]
