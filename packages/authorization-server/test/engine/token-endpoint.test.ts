import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestClientSecret } from '../../src/engine/secrets.js'
import {
  authorize,
  callMcp,
  codeForm,
  obtainTokens,
  postToken,
  refresh,
  register,
} from './support/flow.js'
import { startServer, type TestServer } from './support/server.js'

let server: TestServer

beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

async function newCode() {
  const { client_id: clientId } = await register(server)
  const authorization = await authorize(server, clientId)
  return { clientId, form: codeForm(clientId, authorization) }
}

describe('authorization codes', () => {
  it('E01 gives tokens once, and a late repeat ends every token of the grant', async () => {
    const { clientId, form } = await newCode()
    const first = await postToken(server, form)
    expect(first.status).toBe(200)
    server.advance(11)
    const second = await postToken(server, form)
    expect([second.status, second.body.error]).toEqual([400, 'invalid_grant'])
    expect(await callMcp(server, first.body.access_token)).toBe(401)
    const refreshed = await refresh(server, clientId, first.body.refresh_token)
    expect(refreshed.status).toBe(400)
    expect(server.storage.state.audit.some(({ event }) => event === 'code.reuse')).toBe(true)
  })

  it('E01 spares a duplicate within 10 s by the right verifier', async () => {
    const { clientId, form } = await newCode()
    const first = await postToken(server, form)
    server.advance(9)
    const second = await postToken(server, form)
    expect([second.status, second.body.error]).toEqual([400, 'invalid_grant'])
    expect(await callMcp(server, first.body.access_token)).toBe(200)
    expect((await refresh(server, clientId, first.body.refresh_token)).status).toBe(200)
  })

  it('E01 ends the grant for a duplicate within 10 s by another verifier', async () => {
    const { form } = await newCode()
    const first = await postToken(server, form)
    const second = await postToken(server, { ...form, code_verifier: 'x'.repeat(43) })
    expect(second.status).toBe(400)
    expect(await callMcp(server, first.body.access_token)).toBe(401)
  })

  it('E01 lets nobody but the client of a code end its grant', async () => {
    const { form } = await newCode()
    const { client_id: other } = await register(server, { client_name: 'Other' })
    const first = await postToken(server, form)
    server.advance(11)
    const second = await postToken(server, { ...form, client_id: other })
    expect(second.body.error).toBe('invalid_grant')
    expect(await callMcp(server, first.body.access_token)).toBe(200)
  })

  it('E03 gives exactly one of 100 parallel redemptions tokens', async () => {
    const { clientId, form } = await newCode()
    const answers = await Promise.all(Array.from({ length: 100 }, () => postToken(server, form)))
    const [winner, ...others] = answers.filter(({ status }) => status === 200)
    expect(others).toEqual([])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400]))
    expect((await refresh(server, clientId, winner?.body.refresh_token)).status).toBe(200)
  })

  it.each([
    ['another client', { client_id: 'CLIENT' }, 'invalid_grant'],
    ['another redirect URI', { redirect_uri: 'https://app.test/other' }, 'invalid_grant'],
    ['another resource', { resource: 'https://other.test/mcp' }, 'invalid_target'],
    ['a wrong verifier', { code_verifier: 'y'.repeat(43) }, 'invalid_grant'],
  ])('E05 refuses %s and leaves the code usable', async (_, change, error) => {
    const { form } = await newCode()
    const { client_id: other } = await register(server, { client_name: 'Another' })
    const wrong = Object.fromEntries(
      Object.entries(change).map(([name, value]) => [name, value === 'CLIENT' ? other : value]),
    )
    const refused = await postToken(server, { ...form, ...wrong })
    expect([refused.status, refused.body.error]).toEqual([400, error])
    expect((await postToken(server, form)).status).toBe(200)
  })

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['42 characters', 'a'.repeat(42)],
    ['129 characters', 'a'.repeat(129)],
    ['an illegal character', `${'a'.repeat(43)}!`],
  ])('E06 refuses a verifier that is %s', async (_, verifier) => {
    const { form } = await newCode()
    const { code_verifier: _own, ...rest } = form
    const answer = await postToken(server, {
      ...rest,
      ...(verifier === undefined ? {} : { code_verifier: verifier }),
    })
    expect(answer.status).toBe(400)
    expect(JSON.stringify(answer.body)).not.toContain('a'.repeat(42))
  })

  it('E24 issues a JWT bound to the resource, without an e-mail address', async () => {
    const { tokens, clientId } = await obtainTokens(server)
    const [header, payload] = tokens.access_token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
    expect(header).toMatchObject({ typ: 'at+jwt', alg: 'ES256' })
    expect(Object.keys(payload).sort()).toEqual(
      ['aud', 'client_id', 'exp', 'grant_id', 'iat', 'iss', 'jti', 'scope', 'sub'].sort(),
    )
    expect(payload).toMatchObject({
      aud: server.resource,
      iss: server.origin,
      client_id: clientId,
      scope: 'coda.read coda.write',
    })
  })
})

describe('the token request', () => {
  it.each([
    ['no grant_type', 'a=b', 'application/x-www-form-urlencoded', 400],
    ['two grant types', 'grant_type=a&grant_type=b', 'application/x-www-form-urlencoded', 400],
    ['JSON', '{"grant_type":"refresh_token"}', 'application/json', 400],
    ['two content types', 'a=b', 'application/json, application/x-www-form-urlencoded', 400],
    ['1 MB', `code_verifier=${'a'.repeat(1_000_000)}`, 'application/x-www-form-urlencoded', 413],
    ['10,000 parameters', 'a=1&'.repeat(10_000), 'application/x-www-form-urlencoded', 400],
    ['nested names', `${'a['.repeat(500)}=1`, 'application/x-www-form-urlencoded', 400],
  ])('E12 E30 refuses %s', async (_, body, type, status) => {
    const startedAt = performance.now()
    const answer = await postToken(server, body, { 'content-type': type })
    expect(answer.status).toBe(status)
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })

  it('E12 answers GET 405 and an unknown grant by its error code', async () => {
    const get = await fetch(`${server.origin}/oauth/token`)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    const { client_id: clientId } = await register(server)
    const unknown = await postToken(server, { grant_type: 'password', client_id: clientId })
    expect([unknown.status, unknown.body.error]).toEqual([400, 'unsupported_grant_type'])
  })

  it('E13 refuses parameters in the query and does not repeat them', async () => {
    const { form } = await newCode()
    const { code, ...rest } = form
    const response = await fetch(`${server.origin}/oauth/token?code=${code}`, {
      method: 'POST',
      body: new URLSearchParams(rest),
    })
    const text = await response.text()
    expect([response.status, JSON.parse(text).error]).toEqual([400, 'invalid_request'])
    expect(text).not.toContain(code)
  })

  it('E14 E39 answers success and errors with the headers of RFC 6749 and echoes nothing', async () => {
    const { form } = await newCode()
    const wrong = await postToken(server, { ...form, code: 'canary-code' })
    const right = await postToken(server, form)
    expect([wrong.status, right.status]).toEqual([400, 200])
    for (const { headers } of [wrong, right]) {
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('pragma')).toBe('no-cache')
      expect(headers.get('content-type')).toMatch(/^application\/json/)
    }
    expect(JSON.stringify(wrong.body)).not.toContain('canary')
  })
})

describe('client authentication', () => {
  const metadata = { token_endpoint_auth_method: 'client_secret_basic' }
  const basic = (text: string) => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  })

  it.each([
    ['bad base64', 'Basic !!!'],
    ['no colon', `Basic ${Buffer.from('abc').toString('base64')}`],
    ['bad percent-encoding', `Basic ${Buffer.from('%zz:secret').toString('base64')}`],
  ])('E08 answers %s with 401 and a Basic challenge', async (_, authorization) => {
    const answer = await postToken(server, { grant_type: 'refresh_token' }, { authorization })
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
  })

  it('E08 E10 takes the secret of the client in any case of the scheme, and no other', async () => {
    const client = await register(server, metadata)
    const other = await register(server, { ...metadata, client_name: 'B' })
    const { client_id: id, client_secret: secret = '' } = client
    const authorization = await authorize(server, id)
    const { client_id: _, ...form } = codeForm(id, authorization)
    expect((await postToken(server, { ...form, client_id: id })).status).toBe(401)
    expect((await postToken(server, form, basic(`${id}:${other.client_secret}`))).status).toBe(401)
    const lower = Buffer.from(`${id}:${secret}`).toString('base64')
    const good = await postToken(server, form, { authorization: `basic ${lower}` })
    expect(good.status).toBe(200)

    const refreshForm = {
      grant_type: 'refresh_token',
      refresh_token: String(good.body.refresh_token),
    }
    expect((await postToken(server, { ...refreshForm, client_id: id })).status).toBe(401)
    const posted = { ...refreshForm, client_id: id, client_secret: secret }
    expect((await postToken(server, posted)).status).toBe(200)
  })

  it('E08 decodes the id of a client in the Authorization header', async () => {
    await server.storage.records('Client').upsert('job:one', {
      client_id: 'job:one',
      client_secret: digestClientSecret('s'.repeat(43)),
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'coda.read',
    })
    const form = { grant_type: 'client_credentials' }
    const good = await postToken(server, form, basic(`job%3Aone:${'s'.repeat(43)}`))
    const wrong = await postToken(server, form, basic(`job%3Aone:${'t'.repeat(43)}`))
    expect([good.status, wrong.status]).toEqual([200, 401])
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /)
  })

  it('E37 keeps client secrets as hashes only', async () => {
    const { client_secret: secret = 'none' } = await register(server, metadata)
    expect(JSON.stringify([...server.storage.state.rows.values()])).not.toContain(secret)
  })
})

describe('an outage of the storage', () => {
  it('E31 is 503 at every call, and the code is good afterwards', async () => {
    const { form } = await newCode()
    for (let calls = 0; ; calls += 1) {
      server.storage.fail(calls)
      const answer = await postToken(server, form)
      server.storage.recover()
      if (answer.status === 200) {
        expect(calls).toBeGreaterThan(8)
        break
      }
      expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable'])
      expect(answer.headers.get('retry-after')).toBe('5')
    }
  })

  it('E31 leaves a refresh token good at every call', async () => {
    const { clientId, tokens } = await obtainTokens(server)
    for (let calls = 0; ; calls += 1) {
      server.storage.fail(calls)
      const answer = await refresh(server, clientId, tokens.refresh_token)
      server.storage.recover()
      if (answer.status === 200) break
      expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable'])
      expect(calls).toBeLessThan(60)
    }
  })
})
