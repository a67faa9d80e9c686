import { type AddressInfo, connect } from 'node:net'
import { ConfigurationError, createMcpAuth, jwt } from '@bestviable/mcp-auth-middleware'
import { mcpAuth } from '@bestviable/mcp-auth-middleware/express'
import { createTestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import express from 'express'
import { expect } from 'vitest'
import { attack, RESOURCE, type Target } from '../target.js'

const withHealth = { server: { publicPaths: ['/health'] } }

/** Sends bytes that no HTTP client would send, and returns the status line. */
function sendBytes(port: number, head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('close', () => resolve(text.split('\r\n')[0] ?? ''))
    socket.on('error', reject)
    socket.write(`${head}\r\nConnection: close\r\n\r\n`, 'latin1')
  })
}

/** Expects that a path behind the guard answers as the guard does, whatever else the request says. */
async function expectGuarded(
  target: Target,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const before = target.handled()
  const { status } = await target.call(undefined, headers, path)
  expect([path, status]).toEqual([path, 401])
  expect(target.handled()).toBe(before)
}

async function expectHealthOpen(target: Target): Promise<void> {
  expect((await target.call(undefined, {}, '/health')).status).toBe(200)
}

/** Attacks by the request around a token. */
export const REQUEST_ATTACKS = {
  'GHSA-xmf8-cvqr-rfgj': () =>
    attack(async (target) => {
      for (const value of ['%', '%E0%A4%A', '%zz', 'a%', '\u00ff']) {
        const { status, text } = await target.call(undefined, { authorization: `Bearer ${value}` })
        expect([value, status]).toEqual([value, 401])
        expect(text).not.toContain(value)
      }
    }),

  'CVE-2026-40575': () =>
    attack(async (target) => {
      await expectHealthOpen(target)
      for (const name of ['x-forwarded-uri', 'x-original-url', 'x-rewrite-url', 'x-original-uri']) {
        await expectGuarded(target, '/mcp', { [name]: '/health' })
      }
    }, withHealth),

  'CVE-2025-54576': () =>
    attack(async (target) => {
      await expectHealthOpen(target)
      await expectGuarded(target, '/mcp?x=/health')
      await expectGuarded(target, '/mcp?/health')
      await expectGuarded(target, '/health/mcp')
    }, withHealth),

  'CVE-2026-41059': () =>
    attack(async (target) => {
      await expectHealthOpen(target)
      for (const path of [
        '/mcp%23/health',
        '/mcp%3f/health',
        '/health%23/../mcp',
        '/health;/mcp',
      ]) {
        await expectGuarded(target, path)
      }
      const before = target.handled()
      const line = await sendBytes(target.port, 'GET /mcp#/health HTTP/1.1\r\nHost: mcp.test')
      expect(line).toMatch(/^HTTP\/1\.1 40[014] /)
      expect(target.handled()).toBe(before)
    }, withHealth),

  'CVE-2026-34457': () =>
    attack(async (target) => {
      for (const agent of ['GoogleHC/1.0', 'kube-probe/1.30', 'ELB-HealthChecker/2.0', 'health']) {
        await expectGuarded(target, '/mcp', { 'user-agent': agent })
      }
    }, withHealth),

  'CVE-2025-71401': () =>
    attack(async (target) => {
      for (const headers of [
        { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'http' },
        { forwarded: 'host=evil.test' },
      ]) {
        const { status, challenge } = await target.call(undefined, headers)
        expect(status).toBe(401)
        expect(challenge).toContain('"https://mcp.test/.well-known/oauth-protected-resource/mcp"')
      }
      const head = 'GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: evil.test'
      expect(await sendBytes(target.port, head)).toMatch(/^HTTP\/1\.1 200 /)
      const metadata = await fetch(`${target.origin}/.well-known/oauth-protected-resource/mcp`, {
        headers: { 'x-forwarded-host': 'evil.test' },
      })
      expect(await metadata.json()).toMatchObject({ resource: RESOURCE })
    }),

  'CVE-2025-66414': async () => {
    const issuer = createTestIssuer({ audience: 'http://localhost:3000/mcp' })
    await issuer.listen()
    const app = express()
    const validators = [jwt({ issuer: issuer.issuer, jwksUri: issuer.jwksUri })]
    app.use(mcpAuth({ resource: 'http://localhost:3000/mcp', validators, onEvent: () => {} }))
    app.use((_request, response) => void response.json({}))
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const token = `Authorization: Bearer ${await issuer.token()}`
      const send = (fields: string) =>
        sendBytes(port, `POST /mcp HTTP/1.1\r\n${fields}\r\n${token}\r\nContent-Length: 0`)
      expect(await send(`Host: localhost:${port}`)).toMatch(/ 200 /)
      expect(await send(`Host: evil.test:${port}`)).toMatch(/ 403 /)
      expect(await send(`Host: localhost:${port}\r\nOrigin: https://evil.test`)).toMatch(/ 403 /)
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await issuer.close()
    }
  },

  'GHSA-8fpg-xm3f-6cx3': async () => {
    const issuer = 'https://as.test'
    const validators = [jwt({ issuer, jwksUri: `${issuer}/keys` })]
    // Each is the configuration with one mistake, as a person without a type checker makes it.
    const mistakes: readonly object[] = [
      {},
      { resource: RESOURCE },
      { resource: RESOURCE, validators: [] },
      { resource: undefined, validators },
      { resource: '', validators },
      { resource: RESOURCE, validators, allow: {} },
      { resource: RESOURCE, validators, alow: { emails: ['ann@example.com'] } },
    ]
    createMcpAuth({ resource: RESOURCE, validators })
    for (const mistake of mistakes) {
      expect(() => Reflect.apply(createMcpAuth, undefined, [mistake])).toThrow(ConfigurationError)
      expect(() => Reflect.apply(mcpAuth, undefined, [mistake])).toThrow(ConfigurationError)
    }
  },

  'CVE-2026-48522': async () => {
    const issuer = 'https://as.test'
    const refused = [
      'file:///etc/passwd',
      'ftp://as.test/keys',
      'data:application/json,{"keys":[]}',
      'http://as.test/keys',
      'http://169.254.169.254/keys',
      'https://user:password@as.test/keys',
    ]
    jwt({ issuer, jwksUri: 'https://as.test/keys' })
    for (const jwksUri of refused) {
      expect(() => jwt({ issuer, jwksUri }), jwksUri).toThrow(ConfigurationError)
    }
  },

  'GHSA-7rqj-j65f-68wh': () =>
    attack(
      async (target) => {
        const admit = async (email: string) => {
          const token = await target.issuer.token({ email, email_verified: true })
          return (await target.call(token)).status
        }
        expect(await admit('ann@example.com')).toBe(200)
        // U+FF20 and U+FE6B become an at sign when they are normalised.
        for (const email of [
          'ann\uff20example.com',
          'ann\ufe6bexample.com',
          'ann@evil.test\uff20example.com',
          'ann@example.com@evil.test',
          '\uff41nn@example.com',
        ]) {
          expect([email, await admit(email)]).toEqual([email, 403])
        }
      },
      { server: { allow: { emails: ['ann@example.com'] } } },
    ),
}
