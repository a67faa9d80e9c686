import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateBearerToken } from '@bestviable/mcp-auth-middleware'
import { createTestIssuer, type TestIssuer } from '@bestviable/mcp-auth-middleware/testing'
import { envVariableFor } from '@bestviable/mcp-auth-store-env'
import express, { type Request, type Response } from 'express'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordFigure } from '../../../test/security/support/figures.js'
import { type CodaStandIn, createCodaStandIn } from '../src/stand-in/coda-stand-in.js'
import { callTool, post, sampleUpsert } from './support/http-calls.js'
import { type Listening, listen } from './support/listen.js'
import { openSession } from './support/mcp.js'
import { createCleanup, startTestServer, type TestServer } from './support/test-server.js'

const audience = 'coda-mcp'
const { add, run } = createCleanup()
let issuer: TestIssuer
let coda: Listening
let standIn: CodaStandIn
/** Everything that reached the stand-in for Coda: request line, headers and body. */
let upstream: string[]
const codaTokens = {
  service: 'canary-coda-service-1f0c',
  ann: 'canary-coda-ann-77aa',
  file: 'canary-coda-file-90be',
}

beforeEach(async () => {
  issuer = createTestIssuer({
    algorithm: 'ES256',
    audience,
    scopes: ['coda.read', 'coda.write'],
  })
  await issuer.listen()
  add(issuer)
  upstream = []
  const app = express()
  app.use(express.json())
  app.use((request: Request, _response: Response, next) => {
    upstream.push(
      [request.method, request.originalUrl, ...request.rawHeaders, JSON.stringify(request.body)] //
        .join('\n'),
    )
    next()
  })
  standIn = createCodaStandIn({ settleMs: 50 })
  app.use(standIn.router)
  coda = add(await listen(app))
})
afterEach(run)

async function variableOf(subject: string): Promise<string> {
  const owner = { kind: 'user', issuer: issuer.issuer, subject } as const
  return (await envVariableFor({ provider: 'coda', owner })) ?? ''
}

async function start(env: Record<string, string>): Promise<TestServer> {
  return add(
    await startTestServer({
      LOG_LEVEL: 'trace',
      OIDC_ISSUER: issuer.issuer,
      OIDC_AUDIENCE: audience,
      CODA_API_BASE_URL: `${coda.origin}/apis/v1`,
      ...env,
    }),
  )
}

async function whoami(
  server: TestServer,
  subject: string,
): Promise<{ status: number; result: Record<string, unknown> }> {
  const token = await issuer.token({ sub: subject })
  const response = await callTool(server.resource, token, 'coda_whoami')
  return { status: response.status, result: (await response.json()).result }
}

describe('CODA_CREDENTIALS=user', () => {
  it('reaches Coda with the token of the caller, from a variable or a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'coda-mcp-'))
    add({ close: async () => rmSync(folder, { recursive: true }) })
    writeFileSync(join(folder, 'bob'), `${codaTokens.file}\n`)
    const server = await start({
      CODA_CREDENTIALS: 'user',
      [await variableOf('ann')]: codaTokens.ann,
      [`${await variableOf('bob')}_FILE`]: join(folder, 'bob'),
    })
    expect((await whoami(server, 'ann')).result).not.toHaveProperty('isError')
    expect(upstream.at(-1)).toContain(`Bearer ${codaTokens.ann}`)
    expect((await whoami(server, 'bob')).result).not.toHaveProperty('isError')
    expect(upstream.at(-1)).toContain(`Bearer ${codaTokens.file}`)
  })

  it('tells a caller without one what to do, and never lends the token of the service', async () => {
    const server = await start({
      CODA_CREDENTIALS: 'user',
      CODA_API_TOKEN: codaTokens.service,
      [await variableOf('ann')]: codaTokens.ann,
    })
    const { status, result } = await whoami(server, 'carl')
    expect(status).toBe(200)
    expect(result).toMatchObject({
      isError: true,
      content: [
        {
          type: 'text',
          text: 'credential_required: No Coda token is stored for this caller. Ask the operator of this server to add one.',
        },
      ],
      _meta: { code: 'credential_required', retryable: false },
    })
    expect(upstream).toEqual([])
  })

  it('tells the operator which variable that caller is missing', async () => {
    const server = await start({ CODA_CREDENTIALS: 'user' })
    await whoami(server, 'carl')
    const line = server.log.find((each) => each.includes('no Coda token is set'))
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      issuer: issuer.issuer,
      subject: 'carl',
      variable: await variableOf('carl'),
    })
  })

  it('keeps callers apart whose names differ in letter case only, or by issuer', async () => {
    const server = await start({
      CODA_CREDENTIALS: 'user',
      [await variableOf('ann')]: codaTokens.ann,
    })
    expect((await whoami(server, 'Ann')).result).toMatchObject({ isError: true })
    expect((await whoami(server, 'ann ')).result).toMatchObject({ isError: true })
    expect(upstream).toEqual([])
  })

  it('answers 503 when the file of a caller cannot be read, and shows it in its state', async () => {
    const server = await start({
      CODA_CREDENTIALS: 'user',
      [`${await variableOf('ann')}_FILE`]: '/nonexistent/ann',
    })
    expect(
      (await callTool(server.resource, await issuer.token({ sub: 'ann' }), 'coda_whoami')).status,
    ).toBe(503)
    expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
      status: 'degraded',
      store: { status: 'unavailable' },
    })
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
  })
})

describe('variables of other programs', () => {
  it('ignores them, and empty ones of its own', async () => {
    const server = await start({
      CODA_API_TOKEN: ` ${codaTokens.service}\n`,
      CODA_API_TOKEN_FILE: '',
      GITHUB_API_TOKEN: '',
      OTHER_API_TOKEN: '***',
    })
    expect((await whoami(server, 'ann')).result).not.toHaveProperty('isError')
    expect(upstream.at(-1)).toContain(`\nBearer ${codaTokens.service}\n`)
  })
})

describe('where secrets go', () => {
  it('P24 sends nothing of the inbound token or request to Coda', async () => {
    const server = await start({ CODA_API_TOKEN: codaTokens.service })
    const token = await issuer.token({ sub: 'ann' })
    const canary = 'canary-inbound-header'
    const headers = {
      cookie: `session=${canary}`,
      'x-forwarded-for': canary,
      'x-api-key': canary,
      'x-request-id': canary,
    }
    const names = ['coda_whoami', 'coda_list_documents', 'coda_upsert_rows', 'coda_list_rows']
    for (const name of names) {
      const params = {
        name,
        arguments: sampleUpsert,
        _meta: { progressToken: canary, authorization: canary },
      }
      await post(server.resource, 'tools/call', { token, params, headers })
    }
    const { docId, tableIdOrName } = sampleUpsert
    await callTool(server.resource, token, 'coda_list_rows', { docId, tableIdOrName })
    const client = openSession(server.resource, 'v1', {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    })
    await client.connect()
    add(client)
    await client.call('coda_upsert_rows', { ...sampleUpsert, wait: true })

    expect(upstream.length).toBeGreaterThan(5)
    const all = upstream.join('\n')
    expect(all).toContain(`Bearer ${codaTokens.service}`)
    expect(all).not.toContain(canary)
    // A part would be as bad as the whole: no claim and no signature.
    for (const part of token.split('.')) expect(all).not.toContain(part)
    expect(all).not.toContain('ann')
  })

  it('P07 writes no secret to the log, whatever happens', async () => {
    const { token: fixed, digest } = await generateBearerToken()
    const server = await start({
      CODA_CREDENTIALS: 'user',
      CODA_API_TOKEN: codaTokens.service,
      [await variableOf('ann')]: codaTokens.ann,
      MCP_BEARER_TOKENS: `ci:${digest}:coda.write`,
      CF_ACCESS_TEAM_DOMAIN: 'acme',
      CF_ACCESS_AUD: 'a'.repeat(64),
      JWT_SECRET: 'canary-jwt-secret',
      STYTCH_SECRET: 'canary-stytch-secret',
    })
    const good = await issuer.token({ sub: 'ann' })
    const expired = await issuer.faulty('expired')
    const answers: string[] = []
    const send = async (headers: Record<string, string>, name = 'coda_whoami'): Promise<void> => {
      const params = { name, arguments: name === 'coda_whoami' ? {} : sampleUpsert }
      const response = await post(`${server.resource}?secret=canary-query`, 'tools/call', {
        headers,
        params,
      })
      answers.push(JSON.stringify([...response.headers]), await response.text())
    }
    await send({ authorization: `Bearer ${good}` })
    await send({ authorization: `Bearer ${good}`, cookie: 'canary-cookie' }, 'coda_upsert_rows')
    await send({ authorization: `Bearer ${expired}` })
    await send({ authorization: `Bearer ${fixed}` })
    await send({ authorization: `Bearer ${good} canary-second` })
    await send({ authorization: 'Basic canary-basic' })
    await send({ authorization: 'Bearer canary-unknown' })
    await send({ 'cf-access-jwt-assertion': 'canary-assertion' })
    await send({ authorization: `Bearer ${good}`, 'cf-access-jwt-assertion': 'canary-assertion' })
    standIn.faults.next({ kind: 'reset' })
    await send({ authorization: `Bearer ${good}` }, 'coda_upsert_rows')
    standIn.faults.next({ kind: 'shape', body: { token: 'canary-shape' } })
    await send({ authorization: `Bearer ${good}` })
    await fetch(`${server.resource}?access_token=canary-query`, { method: 'POST' })

    const log = server.log.join('')
    expect(log).toContain('"path":"/mcp"')
    expect(log).toContain('"headers":')
    expect(log).toContain('JWT_SECRET and STYTCH_SECRET are set and not used')
    const output = log + answers.join('') + server.printed
    for (const secret of [good, expired, fixed, ...Object.values(codaTokens)]) {
      expect(output).not.toContain(secret)
    }
    for (const token of [good, expired]) expect(output).not.toContain(token.split('.')[2])
    expect(output).not.toContain('canary')
    expect(output).not.toContain(digest.slice('sha256:'.length))
    recordFigure({
      id: 'R13',
      part: 'example-server',
      values: { 'requests with canaries': 12, 'canaries found': 0 },
      isMet: true,
      method:
        'Log at its most talkative level, answers and output of the example are searched for every secret of the run.',
    })
  })
})
