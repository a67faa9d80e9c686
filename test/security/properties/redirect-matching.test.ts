import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchRedirectUri } from '../../../packages/authorization-server/src/clients/match-redirect-uri.js'
import { parseRedirectUris } from '../../../packages/authorization-server/src/clients/redirect-uri.js'
import { expectToHold, isCaught, PATIENCE } from './support/property.js'
import { isRegisteredRedirect } from './support/redirect-oracle.js'
import { redirectCases } from './support/redirect-uris.js'

type Match = (registered: readonly string[], presented: string) => boolean

const agreesWithRfcs = (match: Match) =>
  fc.property(
    redirectCases,
    ([registered, presented]) =>
      match(registered, presented) === isRegisteredRedirect(registered, presented),
  )

const normal = (text: string) => (URL.canParse(text) ? new URL(text).href : text)
const portless = (text: string) => text.replace(/:\d+(?=\/|$)/, '')

describe('matchRedirectUri()', () => {
  it('A03 A04 A06 A07 agrees with the rules of the RFCs, read by hand', {
    timeout: PATIENCE,
  }, async () => {
    await expectToHold(agreesWithRfcs(matchRedirectUri), {
      part: 'redirect-matching',
      method:
        'redirect URIs against registered ones, compared with RFC 9700 and RFC 8252 read by hand',
      runs: 20_000,
      longRuns: 1_000_000,
    })
  })

  it('is asked about matches and near misses alike', () => {
    const sample = fc.sample(redirectCases, { seed: 1, numRuns: 3000 })
    const matches = sample.filter(([list, presented]) => isRegisteredRedirect(list, presented))
    const byPortAlone = matches.filter(([list, presented]) => !list.includes(presented))
    expect(matches.length).toBeGreaterThan(500)
    expect(sample.length - matches.length).toBeGreaterThan(500)
    expect(byPortAlone.length).toBeGreaterThan(100)
  })

  it('is asked about nothing that registration would not have let in', () => {
    for (const [registered] of fc.sample(redirectCases, { seed: 1, numRuns: 300 })) {
      for (const uri of registered) expect(parseRedirectUris([uri], {}).uris).toEqual([uri])
    }
  })
})

describe('the comparison catches a rule that', () => {
  it.each<[string, Match]>([
    ['A03 takes a prefix', (list, presented) => list.some((one) => presented.startsWith(one))],
    [
      'A04 compares normal forms',
      (list, presented) => list.map(normal).includes(normal(presented)),
    ],
    ['A06 has no exception for loopback', (list, presented) => list.includes(presented)],
    [
      'A03 ignores the port of every host',
      (list, presented) => list.map(portless).includes(portless(presented)),
    ],
    [
      'A07 takes one loopback host for another',
      (list, presented) =>
        matchRedirectUri(list, presented) ||
        matchRedirectUri(list, presented.replace('//localhost', '//127.0.0.1')),
    ],
    [
      'A07 looks at the host alone',
      (list, presented) =>
        URL.canParse(presented) &&
        list.some((one) => new URL(one).hostname === new URL(presented).hostname),
    ],
    [
      'ignores the query',
      (list, presented) => matchRedirectUri(list, presented.split('?', 1)[0] ?? ''),
    ],
    ['takes everything', () => true],
  ])('%s', async (_fault, match) => {
    expect(await isCaught(agreesWithRfcs(match), 20_000)).toBe(true)
  })
})
