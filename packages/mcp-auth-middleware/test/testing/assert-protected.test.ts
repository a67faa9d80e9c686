import { AssertionError } from 'node:assert'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AssertRefusesFaultyTokensOptions,
  assertRefusesFaultyTokens,
} from '../../src/testing/assert-protected.js'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'
import { TOKEN_FAULTS } from '../../src/testing/token-faults.js'
import { type StubRules, startStubServer } from './stub-server.js'

let issuer: TestIssuer
beforeAll(async () => {
  issuer = createTestIssuer()
  await issuer.listen()
})
afterAll(() => issuer.close())

async function messageFor(
  rules: StubRules,
  options: AssertRefusesFaultyTokensOptions = {},
): Promise<string> {
  const server = await startStubServer(issuer, rules)
  try {
    await assertRefusesFaultyTokens(server.resource, issuer, options)
    return ''
  } catch (error) {
    expect(error).toBeInstanceOf(AssertionError)
    return (error as AssertionError).message
  } finally {
    await server.close()
  }
}

describe('assertRefusesFaultyTokens()', () => {
  it('passes a server that verifies its tokens', async () => {
    expect(await messageFor({})).toBe('')
  })

  it('passes a server that requires a scope, and asks for it in right tokens', async () => {
    expect(await messageFor({ requiredScope: 'docs.read' })).toBe('')
  })

  it('names every token that a server accepts without verification', async () => {
    const message = await messageFor({ accepts: async (token) => decodeJwt(token) })
    const acceptable = ['payload-not-object', 'five-parts', 'unknown-opaque', 'insufficient-scope']
    for (const { name } of TOKEN_FAULTS) {
      if (!acceptable.includes(name))
        expect(message).toContain(`${name}: answered 200, expected 401`)
    }
  })

  it('leaves out the faults that the server is meant to accept', async () => {
    const accepts = async (token: string) => decodeJwt(token)
    const message = await messageFor({ accepts }, { except: ['expired'] })
    expect(message).not.toContain('expired:')
    expect(message).toContain('no-expiry:')
  })

  it('fails a server that refuses everything', async () => {
    const accepts = () => Promise.reject(new Error('no'))
    expect(await messageFor({ accepts })).toContain('right token: answered 401')
  })

  it('fails a server that answers a bad token with an error of its own', async () => {
    const message = await messageFor({ status: { refused: 500 } })
    expect(message).toContain('expired: answered 500, expected 401')
    expect(message).not.toContain('right token')
  })

  it('fails a server whose challenge names no metadata', async () => {
    const server = await startStubServer(issuer, { challenge: () => 'Bearer' })
    const run = assertRefusesFaultyTokens(server.resource, issuer, { audience: server.resource })
    await expect(run).rejects.toThrow('no token: the challenge names no resource_metadata')
    await server.close()
  })

  it('asks for the audience when nobody names it', async () => {
    expect(await messageFor({ challenge: () => 'Bearer' })).toContain('pass `audience`')
  })

  it('fails a server that accepts a token whose scope only looks like the required one', async () => {
    const message = await messageFor(
      { requiredScope: 'docs.read' },
      {
        fetch: async (input, init) => {
          const response = await fetch(input, init)
          return response.status === 403 ? new Response('{}') : response
        },
      },
    )
    expect(message).toContain('insufficient-scope: answered 200, expected 403')
  })

  it('fails a server that fetches keys from the address in a token', async () => {
    const message = await messageFor(
      {},
      {
        fetch: async (input, init) => {
          const token = new Headers(init?.headers).get('authorization')?.split(' ')[1] ?? ''
          const header = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()
          const jku = /"jku":"([^"]+)"/.exec(header)?.[1]
          if (jku !== undefined) await fetch(jku)
          return fetch(input, init)
        },
      },
    )
    expect(message).toContain('remote-jku: the server fetched keys')
  })
})
