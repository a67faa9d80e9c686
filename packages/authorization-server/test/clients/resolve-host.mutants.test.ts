import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FetchFailure } from '../../src/clients/fetch-failure.js'
import { isPublicAddress } from '../../src/clients/public-address.js'
import { resolveAllowed, resolveHost } from '../../src/clients/resolve-host.js'

afterEach(() => {
  vi.restoreAllMocks()
})

async function judge(hostname: string, answers: readonly string[] | Error) {
  const asked: string[] = []
  const resolve = async (name: string) => {
    asked.push(name)
    if (answers instanceof Error) throw answers
    return answers
  }
  try {
    return { asked, addresses: await resolveAllowed(hostname, resolve, isPublicAddress) }
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw error
    return { asked, kind: error.kind, reason: error.reason, cause: error.cause }
  }
}

describe('resolveAllowed()', () => {
  const many = Array.from({ length: 9 }, (_, index) => `8.8.8.${index}`)

  it.each([
    ['c.example', ['8.8.8.8'], ['8.8.8.8']],
    ['c.example', many.slice(1), many.slice(1)],
    ['c.example', many, many.slice(0, 8)],
  ])('M02 asks for the addresses of %s', async (hostname, answers, addresses) => {
    expect(await judge(hostname, answers)).toEqual({ asked: [hostname], addresses })
  })

  it.each([
    ['8.8.8.8', ['8.8.8.8']],
    ['[2606:4700::1]', ['2606:4700::1']],
  ])('M02 asks nobody for %s, which is an address', async (hostname, addresses) => {
    expect(await judge(hostname, ['1.1.1.1'])).toEqual({ asked: [], addresses })
  })

  it.each(['8.8.8.[8', '8.8.8].8', 'x[8.8.8.8]'])('takes %s for a name', async (hostname) => {
    expect(await judge(hostname, ['1.1.1.1'])).toEqual({
      asked: [hostname],
      addresses: ['1.1.1.1'],
    })
  })

  it.each(['127.0.0.1', '[::1]', '[::ffff:8.8.8.8]'])('M02 refuses %s', async (hostname) => {
    expect(await judge(hostname, ['8.8.8.8'])).toMatchObject({
      asked: [],
      kind: 'invalid',
      reason: 'address_not_public',
    })
  })

  it.each([[['8.8.8.8', '127.0.0.1']], [['127.0.0.1', '8.8.8.8']], [[...many, '10.0.0.1']]])(
    'M02 refuses a name with %j',
    async (answers) => {
      expect(await judge('c.example', answers)).toMatchObject({
        kind: 'invalid',
        reason: 'address_not_public',
      })
    },
  )

  it('reports a name without an address, and one whose look-up failed with its cause', async () => {
    const expected = { kind: 'unavailable', reason: 'host_not_resolved' }
    expect(await judge('c.example', [])).toMatchObject({ ...expected, cause: undefined })
    const cause = new Error('ESERVFAIL')
    expect(await judge('c.example', cause)).toMatchObject({ ...expected, cause })
  })
})

describe('resolveHost()', () => {
  function answer(four: readonly string[] | Error, six: readonly string[] | Error) {
    const reply = (value: readonly string[] | Error) => async () => {
      if (value instanceof Error) throw value
      return [...value]
    }
    const prototype = Resolver.prototype as {
      resolve4(name: string): Promise<string[]>
      resolve6(name: string): Promise<string[]>
    }
    return [
      vi.spyOn(prototype, 'resolve4').mockImplementation(reply(four)),
      vi.spyOn(prototype, 'resolve6').mockImplementation(reply(six)),
    ]
  }
  const none = new Error('ENODATA')

  it.each([
    [['8.8.8.8', '1.1.1.1'], ['2606:4700::1'], ['8.8.8.8', '1.1.1.1', '2606:4700::1']],
    [['8.8.8.8'], none, ['8.8.8.8']],
    [none, ['2606:4700::1'], ['2606:4700::1']],
    [none, none, []],
  ])('joins the answers %j and %j of name servers', async (four, six, addresses) => {
    const spies = answer(four, six)
    expect(await resolveHost('c.example')).toEqual(addresses)
    for (const spy of spies) expect(spy.mock.calls).toEqual([['c.example']])
  })

  it('gives up after two questions to a name server that does not answer', async () => {
    const server = createSocket('udp4')
    let questions = 0
    server.on('message', () => {
      questions += 1
    })
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    const { resolve4 } = Resolver.prototype
    const [four] = answer(none, none)
    four?.mockImplementation(async function (this: Resolver, name: string) {
      this.setServers([`127.0.0.1:${server.address().port}`])
      return Reflect.apply(resolve4, this, [name])
    } as never)
    expect(await resolveHost('c.example')).toEqual([])
    server.close()
    expect(questions).toBe(2)
  })
})
