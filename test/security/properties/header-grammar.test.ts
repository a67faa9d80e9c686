import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BearerCredential,
  parseBearerCredential,
} from '../../../packages/mcp-auth-middleware/src/resource-server/bearer-token.js'
import type { RequestView } from '../../../packages/mcp-auth-middleware/src/resource-server/request-view.js'
import { grammarCases } from './support/authorization-fields.js'
import { type GrammarCase, judgeAuthorization } from './support/bearer-oracle.js'
import { expectToHold, isCaught, PATIENCE } from './support/property.js'

/** The request as `node:http` hands it over: the first field by name, all of them in `rawHeaders`. */
function viewOf({ fields, target }: GrammarCase): RequestView {
  const [first] = fields
  const names = ['Authorization', 'authorization', 'AUTHORIZATION']
  return {
    method: 'POST',
    target,
    headers: { host: 'mcp.test', ...(first === undefined ? {} : { authorization: first }) },
    rawHeaders: [
      'Host',
      'mcp.test',
      'X-Authorization',
      'Bearer other',
      ...fields.flatMap((value, index) => [names[index % names.length] ?? '', value]),
    ],
  }
}

/** Leaves out the reason, which is for events and not part of the contract. */
function withoutReason(credential: BearerCredential): unknown {
  return credential.kind === 'malformed'
    ? { kind: credential.kind, status: credential.status }
    : credential
}

const agreesWithGrammar = (parse: (view: RequestView) => BearerCredential) =>
  fc.property(grammarCases, (request) => {
    expect(withoutReason(parse(viewOf(request)))).toEqual(judgeAuthorization(request))
  })

const present = (token: string | undefined): BearerCredential =>
  token === undefined ? { kind: 'absent' } : { kind: 'present', token }

const headerOf = (view: RequestView) => String(view.headers.authorization ?? '')

describe('parseBearerCredential()', () => {
  it('T01 T03 T06 T07 T09 T11 T16 agrees with the grammar read character by character', {
    timeout: PATIENCE,
  }, async () => {
    await expectToHold(agreesWithGrammar(parseBearerCredential), {
      part: 'header-grammar',
      method:
        'Authorization fields around the grammar of RFC 6750, compared with a parser written from it',
      runs: 10_000,
      longRuns: 500_000,
    })
  })

  it('meets each outcome often enough for the comparison to mean something', () => {
    const kinds = fc.sample(grammarCases, { seed: 1, numRuns: 2000 }).map((request) => {
      const answer = judgeAuthorization(request)
      return answer.kind === 'malformed' ? String(answer.status) : answer.kind
    })
    for (const kind of ['absent', 'present', '400', '401']) {
      expect(kinds.filter((each) => each === kind).length).toBeGreaterThan(100)
    }
  })
})

describe('the comparison catches a parser that', () => {
  // The first four are what peers do, measured in November 2026.
  it.each<[string, (view: RequestView) => BearerCredential]>([
    ['T07 takes the second word', (view) => present(headerOf(view).split(' ')[1])],
    [
      'T03 wants one spelling of the scheme',
      (view) =>
        headerOf(view).startsWith('bearer ') ? present(undefined) : parseBearerCredential(view),
    ],
    [
      'T06 splits at any white space',
      (view) => present(/^bearer\s+([A-Za-z0-9\-._~+/]+=*)$/i.exec(headerOf(view))?.[1]),
    ],
    [
      'T09 sees the first of two fields only',
      (view) => parseBearerCredential({ ...view, rawHeaders: undefined }),
    ],
    [
      'T16 does not look at the query',
      (view) => parseBearerCredential({ ...view, target: '/mcp' }),
    ],
    [
      'does not decode the query',
      (view) => parseBearerCredential({ ...view, target: view.target.replaceAll('%', '') }),
    ],
    [
      'takes padding in the middle',
      (view) => {
        const token = /^bearer +([A-Za-z0-9\-._~+/=]+)$/i.exec(headerOf(view))?.[1]
        return token === undefined ? parseBearerCredential(view) : present(token)
      },
    ],
    [
      'looks for the token at the end of a line',
      (view) => {
        const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/im.exec(headerOf(view))?.[1]
        return token === undefined ? parseBearerCredential(view) : present(token)
      },
    ],
  ])('%s', async (_fault, parse) => {
    expect(await isCaught(agreesWithGrammar(parse), 10_000)).toBe(true)
  })
})
