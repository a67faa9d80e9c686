/* Goals 24 to 26: growth. */
import { divide, instructions, number, ratio, reader, SDK_V1, worst } from './read.mjs'

export const GROWTH_GOALS = [
  {
    number: 24,
    what: '100 issuers against 1, instructions, the worse of warm and choosing',
    limit: 1.05,
    format: ratio,
    peer: 'mcp-auth',
    read(results) {
      const at = reader(results, 'growth-20', 'validators')
      return {
        floor: at('floor: Map by iss, no verification', '100 against 1'),
        peer: at('mcp-auth', '100 against 1'),
        ours: worst([
          instructions(results, 'ours, 100 validators, warm', 'ours, warm'),
          instructions(results, 'ours, 100 validators, selection', 'ours, 1 validator, selection'),
        ]),
      }
    },
    cause: 'the choice is by Map',
  },
  {
    number: 25,
    what: 'bytes of a cache entry with its claims, 100,000 entries (and a hit at the most entries at most 2 of 1,000)',
    limit: 900,
    format: number(0),
    peer: 'fast-jwt, HS256 tokens',
    read(results) {
      const at = reader(results, 'growth-20', 'cached-tokens')
      const hits = divide(at('ours, 1000000', 'hit us'), at('ours, 1000', 'hit us'))
      const bytes = at('ours, 100000', 'bytes per entry')
      return {
        floor: at('floor: SHA-256 and Map of claims, 100000', 'bytes per entry'),
        peer: at('fast-jwt, HS256 tokens, 100000', 'bytes per entry'),
        ours: bytes,
        isMet: hits === undefined ? undefined : bytes <= 900 && hits <= 2,
        note: hits === undefined ? '' : `; hit at 1,000,000: ${hits.toFixed(2)} of 1,000`,
      }
    },
    cause:
      'a principal with sets of scopes stands beside the claims; claims as JSON text, parsed when asked for, would take about 600 bytes and cost 1.5 us at each use',
  },
  {
    number: 26,
    what: 'CPU added by authentication, 1,000 connections against 10',
    limit: 1.5,
    format: ratio,
    peer: SDK_V1,
    read(results) {
      const at = reader(results, 'growth-20', 'connections')
      const column = 'added, 1000 against 10'
      return {
        floor: at('floor: SHA-256 and Map', column),
        peer: at(SDK_V1, column),
        ours: at('ours, cached', column),
      }
    },
    cause:
      'the floor, a hash and a Map, shows as much: it is the machine that serves 1,000 sockets, whose cost the difference of two times does not take out',
  },
]
