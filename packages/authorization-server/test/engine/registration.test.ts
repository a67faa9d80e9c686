import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { REDIRECT_URI, register } from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

async function post(body: string, type = 'application/json') {
  const response = await fetch(`${server.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  })
  return { status: response.status, body: await response.json(), headers: response.headers }
}

const clients = () =>
  [...server.storage.state.rows.values()].filter(({ model }) => model === 'Client')

describe('dynamic registration', () => {
  it('D20 answers what is stored, without nulls and without a management URL', async () => {
    const { status, body, headers } = await post(
      JSON.stringify({ redirect_uris: [REDIRECT_URI], client_name: 'A', scope: 'coda.read' }),
    )
    expect([status, headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(body.client_id).not.toMatch(/^https:/)
    expect(body).not.toHaveProperty('registration_client_uri')
    expect(Object.values(body)).not.toContain(null)
  })

  it('gives equal public registrations one client', async () => {
    const first = await register(server, { client_name: 'Same' })
    const count = clients().length
    const second = await register(server, { client_name: 'Same' })
    expect(second.client_id).toBe(first.client_id)
    expect(clients()).toHaveLength(count)
  })

  it.each([
    ['null', 'null', 'application/json', 400],
    ['a list', '[]', 'application/json', 400],
    ['a truncated body', '{"redirect_uris":', 'application/json', 400],
    ['a form', 'a=b', 'application/x-www-form-urlencoded', 415],
    ['plain text', '{}', 'text/plain', 415],
    ['200 KB', JSON.stringify({ client_name: 'x'.repeat(200_000) }), 'application/json', 413],
    ['javascript:', '{"redirect_uris":["javascript:alert(1)"]}', 'application/json', 400],
    ['http', '{"redirect_uris":["http://app.test/cb"]}', 'application/json', 400],
  ])('D01 D03 D05 D08 refuses %s as JSON and stores nothing', async (_, body, type, status) => {
    const count = clients().length
    const answer = await post(body, type)
    expect(answer.status).toBe(status)
    expect(answer.body.error).toMatch(/^invalid_/)
    expect(clients()).toHaveLength(count)
  })

  it('D10 ignores what a client may not choose', async () => {
    const client = await register(server, {
      client_name: 'Chooser',
      client_id: 'admin',
      client_secret: 'chosen',
      skip_consent: true,
      trusted: true,
    })
    expect(client.client_id).not.toBe('admin')
    for (const name of ['client_secret', 'skip_consent', 'trusted']) {
      expect(client).not.toHaveProperty(name)
    }
  })

  it('D19 is 404 and not in the metadata when switched off', async () => {
    const own = await startServer({ dynamicRegistration: false })
    try {
      const response = await fetch(`${own.origin}/oauth/register`, { method: 'POST' })
      expect(response.status).toBe(404)
      expect(own.as.metadata).not.toHaveProperty('registration_endpoint')
    } finally {
      await own.close()
    }
  })

  it('trap 21: reads bodies that a parser mounted before us has taken', async () => {
    const express = (await import('express')).default
    const own = await startServer({
      before: (app) => app.use(express.json(), express.urlencoded({ extended: true })),
    })
    try {
      const client = await register(own)
      expect(client.client_id).toBeTypeOf('string')
    } finally {
      await own.close()
    }
  })
})

describe('metadata', () => {
  it('C18 is the same under both addresses and names the configured issuer', async () => {
    const [oauth, openid] = await Promise.all(
      ['oauth-authorization-server', 'openid-configuration'].map(async (name) =>
        (await fetch(`${server.origin}/.well-known/${name}`)).text(),
      ),
    )
    expect(openid).toBe(oauth)
    expect(JSON.parse(oauth ?? '')).toMatchObject({
      issuer: server.origin,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
      token_endpoint: `${server.origin}/oauth/token`,
    })
  })
})
