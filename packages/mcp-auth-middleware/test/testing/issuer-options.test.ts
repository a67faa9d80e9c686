import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../src/errors.js'
import { createTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js'

const started: TestIssuer[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((issuer) => issuer.close()))
})

async function start(...parameters: Parameters<typeof createTestIssuer>): Promise<TestIssuer> {
  const issuer = createTestIssuer(...parameters)
  started.push(issuer)
  await issuer.listen()
  return issuer
}

describe('createTestIssuer()', () => {
  it.each([
    ['a public host', 'https://login.example.com'],
    ['http on a public host', 'http://login.example.com'],
    ['every interface', 'http://0.0.0.0:3000'],
    ['a private address', 'http://192.168.1.2:3000'],
    ['a host that only starts like loopback', 'http://127.0.0.1.example.com'],
    ['a host that only starts like localhost', 'http://localhost.example.com:3000'],
    ['loopback as the user name', 'http://127.0.0.1@example.com'],
    ['https, which it does not speak', 'https://127.0.0.1:3000'],
    ['a slash at the end', 'http://127.0.0.1:3000/'],
    ['a query', 'http://127.0.0.1:3000?a=b'],
    ['a fragment', 'http://127.0.0.1:3000/as#a'],
    ['a decimal address', 'http://2130706433:3000'],
    ['no URL', 'issuer'],
  ])('refuses an issuer with %s', (_, issuer) => {
    expect(() => createTestIssuer({ issuer })).toThrow(ConfigurationError)
  })

  it.each(['http://127.0.0.1:3000', 'http://localhost:3000', 'http://127.0.0.1:3000/as'])(
    'takes %s as it stands',
    (issuer) => {
      expect(createTestIssuer({ issuer }).issuer).toBe(issuer)
    },
  )

  it('names every bad option at once', () => {
    const options = { algorithm: 'HS256', scopes: ['a b'], typo: 1 }
    expect(() => createTestIssuer(options as never)).toThrow(/algorithm[\s\S]*scopes|typo/)
    try {
      createTestIssuer(options as never)
    } catch (error) {
      const { problems } = error as ConfigurationError
      expect(problems.map(({ path }) => path).sort()).toEqual(['algorithm', 'scopes[0]', 'typo'])
    }
  })

  it('refuses a port that is not the one of the issuer', () => {
    const issuer = 'http://127.0.0.1:3000'
    expect(() => createTestIssuer({ issuer, port: 3001 })).toThrow(ConfigurationError)
    expect(createTestIssuer({ issuer, port: 3000 }).url).toBe(issuer)
  })

  it('refuses a client with a dangerous redirect URI', () => {
    const clients = [{ clientId: 'c', redirectUris: ['javascript:alert(1)'] }]
    expect(() => createTestIssuer({ clients })).toThrow(/clients\[0\]\.redirectUris/)
  })

  it('does not tell an issuer before its port is known', async () => {
    const issuer = createTestIssuer()
    expect(() => issuer.issuer).toThrow(/listen/)
    started.push(issuer)
    await issuer.listen()
    expect(issuer.issuer).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
  })

  it('puts the port it got into an issuer with port 0', async () => {
    const issuer = await start({ issuer: 'http://localhost:0/tenant' })
    expect(issuer.issuer).toMatch(/^http:\/\/localhost:[1-9]\d*\/tenant$/)
    expect(issuer.jwksUri).toBe(`${issuer.issuer}/.well-known/jwks.json`)
  })

  it('listens once however often it is asked, and may be closed twice', async () => {
    const issuer = await start()
    const { url } = issuer
    await issuer.listen()
    expect(issuer.url).toBe(url)
    await issuer.close()
    await issuer.close()
    await expect(fetch(issuer.jwksUri)).rejects.toThrow()
  })

  const external = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address

  it.skipIf(external === undefined)(
    'does not listen on other addresses of the machine',
    async () => {
      const issuer = await start()
      const { port } = new URL(issuer.url)
      await expect(fetch(`http://${external}:${port}/.well-known/jwks.json`)).rejects.toThrow()
    },
  )
})
