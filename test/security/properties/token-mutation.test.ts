import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { recordFigure } from '../support/figures.js'
import { isCaught, isLong, PATIENCE, printSeed, SEED } from './support/property.js'
import { FAMILIES, makeMutant, type Recipe, recipesFor } from './support/token-mutants.js'
import { createWaysIn, type WayIn } from './support/ways-in.js'

const MUTANTS = isLong ? 1_000_000 : 50_000
/** About one mutation in thirty changes nothing, and is no mutant. */
const RUNS = MUTANTS * 1.05

let ways: readonly WayIn[]
beforeAll(async () => {
  ways = await createWaysIn()
})

interface Tally {
  mutants: number
  issued: number
  readonly byFamily: Map<string, number>
  readonly byStatus: Map<number, number>
}

const count = <Name>(counts: Map<Name, number>, name: Name) =>
  counts.set(name, (counts.get(name) ?? 0) + 1)

/** R2: what was not issued is never accepted, and nothing that is presented is an error of the server. */
function refusesMutants(servers: readonly WayIn[], tally?: Tally) {
  return fc.asyncProperty(recipesFor(servers), async (recipe: Recipe) => {
    const mutant = makeMutant(servers, recipe)
    const server = servers[recipe.way]
    const status = (await server?.ask(mutant.text)) ?? 0
    if (tally !== undefined) {
      tally.mutants += mutant.isIssued ? 0 : 1
      tally.issued += mutant.isIssued ? 1 : 0
      count(tally.byFamily, mutant.family)
      count(tally.byStatus, status)
    }
    if (mutant.isIssued ? status === 200 : status >= 400 && status < 500) return
    // The text is a token of this test, signed by a key of this process.
    throw new Error(`${server?.name}: ${mutant.family} was answered ${status}: ${mutant.text}`)
  })
}

describe('tokens that nobody issued', () => {
  it('R2 are never accepted and never an error, in any way in', { timeout: PATIENCE }, async () => {
    const tally: Tally = { mutants: 0, issued: 0, byFamily: new Map(), byStatus: new Map() }
    printSeed('token-mutants', RUNS)
    const details = await fc.check(refusesMutants(ways, tally), { seed: SEED, numRuns: RUNS })
    const counterexample = String(details.errorInstance ?? '')
    const isError = /was answered 5/.test(counterexample)
    recordFigure({
      id: 'R2',
      part: 'token-mutants',
      values: {
        mutants: tally.mutants,
        'false accepts': details.failed && !isError ? 1 : 0,
        'status 5xx': isError ? 1 : 0,
        'ways in': ways.length,
        'kinds of mutants': tally.byFamily.size,
      },
      isMet: !details.failed,
      method:
        'changed, mixed and forged tokens of every algorithm and validator, presented to the whole guard in process',
      seed: SEED,
    })
    if (details.failed) throw new Error(await fc.asyncDefaultReportMessage(details))

    expect(tally.mutants).toBeGreaterThanOrEqual(MUTANTS)
    // A mutation that changes nothing gives the token back: those are accepted, so the servers work.
    expect(tally.issued).toBeGreaterThan(MUTANTS / 1000)
    for (const family of FAMILIES) {
      expect(tally.byFamily.get(family)).toBeGreaterThan(MUTANTS / 200)
    }
    expect([...tally.byStatus.keys()].sort()).toEqual([200, 400, 401])
  })

  it('are refused beside tokens that are accepted, before and after', async () => {
    for (const { name, tokens, ask } of ways) {
      for (const token of tokens) {
        expect([name, await ask(token)]).toEqual([name, 200])
        expect([name, await ask(`${token}A`)]).toEqual([name, 401])
      }
    }
  })

  // RFC 7518 section 3.4 allows both values of s. It is another text with the same claims of the same
  // issuer, so nobody gains by it; a list of revoked tokens must go by `jti` and not by the text.
  it('do not include the second spelling that every ECDSA signature has', async () => {
    const way = ways.find(({ name }) => name === 'jwt ES256')
    const [header, payload, signature = ''] = way?.tokens[0]?.split('.') ?? []
    const bytes = Buffer.from(signature, 'base64url')
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const s = order - BigInt(`0x${bytes.toString('hex', 32)}`)
    bytes.write(s.toString(16).padStart(64, '0'), 32, 'hex')
    expect(await way?.ask(`${header}.${payload}.${bytes.toString('base64url')}`)).toBe(200)
  })
})

const json = (segment = ''): Record<string, unknown> =>
  JSON.parse(Buffer.from(segment, 'base64url').toString())

/** Every way in with an answer that is wrong where `accepts` says so. */
const broken = (accepts: (way: WayIn, text: string) => boolean | Promise<boolean>) =>
  ways.map((way) => ({
    ...way,
    ask: async (text: string) => {
      const isWrong = await Promise.resolve()
        .then(() => accepts(way, text))
        .catch(() => false)
      return isWrong ? 200 : way.ask(text)
    },
  }))

const hasGoodClaims = ({ parts }: WayIn, text: string) => {
  const { iss, exp } = json(text.split('.')[1])
  return parts !== undefined && iss === parts.claims.iss && Number(exp) > Number(parts.claims.iat)
}

describe('R2 the property catches a server that', () => {
  it.each<[string, (way: WayIn, text: string) => boolean | Promise<boolean>]>([
    ['does not check signatures', hasGoodClaims],
    [
      'J01 takes alg none',
      (way, text) =>
        String(json(text.split('.')[0]).alg).toLowerCase() === 'none' && hasGoodClaims(way, text),
    ],
    [
      'J07 trusts the key in the header',
      (way, text) => {
        const [header, payload, signature = ''] = text.split('.')
        const { jwk, alg } = json(header)
        if (alg !== 'RS256' || !hasGoodClaims(way, text)) return false
        const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
        return verify(
          'sha256',
          Buffer.from(`${header}.${payload}`),
          key,
          Buffer.from(signature, 'base64url'),
        )
      },
    ],
    ['T12 ignores padding', async (way, text) => (await way.ask(text.replaceAll('=', ''))) === 200],
    [
      'T07 ignores what follows',
      async (way, text) => way.tokens.some((token) => text.startsWith(token)),
    ],
    [
      'T44 compares without case',
      (way, text) => way.tokens.some((token) => text.toLowerCase() === token.toLowerCase()),
    ],
    [
      'J32 does not look at exp',
      ({ parts }, text) =>
        parts !== undefined &&
        json(text.split('.')[1]).iss === parts.claims.iss &&
        json(text.split('.')[1]).exp === undefined,
    ],
    [
      'J28 takes tokens of every issuer it knows the key of',
      async (way, text) =>
        way.parts !== undefined &&
        (await Promise.all(ways.map((each) => each.ask(text)))).includes(200),
    ],
    ['accepts one text in a thousand', (_way, text) => text.length % 977 === 0],
  ])('%s', { timeout: PATIENCE }, async (_fault, accepts) => {
    expect(await isCaught(refusesMutants(broken(accepts)), 5000)).toBe(true)
  })

  it('answers an error to what it cannot read', { timeout: PATIENCE }, async () => {
    const failing = ways.map((way) => ({
      ...way,
      async ask(text: string) {
        try {
          json(text.split('.')[0])
          return await way.ask(text)
        } catch {
          return 500
        }
      },
    }))
    expect(await isCaught(refusesMutants(failing))).toBe(true)
  })
})
