import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBrowser, type Page } from '../engine/support/browser.js'
import {
  approve,
  authorize,
  authorizeUrl,
  codeForm,
  createVerifier,
  obtainTokens,
  postToken,
  REDIRECT_URI,
  refresh,
  register,
} from '../engine/support/flow.js'
import type { TestServer } from '../engine/support/server.js'
import { callTool } from './support/call-tool.js'
import { CHATGPT_KEYS, CLIENTS } from './support/client-definitions.js'
import { type FlowApp, SCOPES, startFlowApp } from './support/flow-app.js'
import { createOutsideNetwork, type OutsideNetwork } from './support/outside-network.js'

const documented = CLIENTS.flatMap(({ registration }) =>
  registration.kind === 'document' ? [registration] : [],
)
const keyed = documented.find(({ authentication }) => authentication === 'private_key_jwt')
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

let app: FlowApp
let network: OutsideNetwork
// What the flows use of a test server; the storage here is a real one.
let server: TestServer

beforeAll(async () => {
  const documents = documented.map(({ document }) => document)
  network = await createOutsideNetwork(documents, CHATGPT_KEYS)
  app = await startFlowApp({ parts: network.parts })
  server = { origin: app.origin, resource: app.resource } as TestServer
}, 180_000)
afterAll(() => app?.close())

describe('what clients leave out or write differently', () => {
  it.each([
    ['no scope', { scope: undefined }, 'notes.read'],
    ['an empty scope', { scope: '' }, 'notes.read'],
    ['blanks around and between scopes', { scope: ' notes.read  notes.write ' }],
    ['scopes of the person only', { scope: 'openid email offline_access profile' }],
    ['scopes that do not exist', { scope: 'notes.read claudeai mcp:tools' }, 'notes.read'],
    ['no resource', { scope: undefined, resource: undefined }, 'notes.read'],
  ])('lets a client in that sends %s', async (_title, parameters, scope?: string) => {
    const { clientId, tokens } = await obtainTokens(server, { parameters })
    if (scope !== undefined) expect(tokens.scope).toBe(scope)
    expect(String(tokens.scope).split(' ')).toContain('notes.read')
    expect((await callTool(app.origin, tokens.access_token)).status).toBe(200)
    const refreshed = await refresh(server, clientId, tokens.refresh_token)
    expect((await callTool(app.origin, refreshed.body.access_token)).status).toBe(200)
  })

  it('takes a resource with a slash at its end for the configured one, in every request', async () => {
    const resource = `${app.resource}/`
    const { client_id: clientId } = await register(server)
    const authorization = await authorize(server, clientId, {
      parameters: { resource, scope: undefined },
    })
    const form = { ...codeForm(clientId, authorization), resource }
    const { status, body } = await postToken(server, form)
    expect(status).toBe(200)
    expect(decodeJwt(String(body.access_token)).aud).toBe(app.resource)
    expect((await callTool(app.origin, body.access_token)).status).toBe(200)
    const refreshed = await postToken(server, {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: String(body.refresh_token),
      resource,
    })
    expect(refreshed.status).toBe(200)
    expect((await callTool(app.origin, refreshed.body.access_token)).status).toBe(200)
  })

  it('D22 refuses another path of the same host as resource', async () => {
    const { client_id: clientId } = await register(server)
    const { challenge } = createVerifier()
    const resource = `${app.origin}/mcp/other`
    const page = await createBrowser(app.origin).open(
      authorizeUrl(server, clientId, challenge, { resource }),
    )
    expect(page.location?.searchParams.get('error')).toBe('invalid_target')
  })

  it('D19 gives a client that registered with an empty scope all that it asks for later', async () => {
    const { client_id: clientId, scope } = await register(server, { scope: '' })
    expect(scope).toBeUndefined()
    const parameters = { scope: Object.keys(SCOPES).join(' ') }
    const { tokens } = await obtainTokens(server, { clientId, parameters })
    expect(tokens.scope).toBe('notes.read notes.write')
  })
})

describe('what clients send twice', () => {
  it('goes on from each form that is submitted twice at once', async () => {
    const { client_id: clientId } = await register(server)
    const { verifier, challenge } = createVerifier()
    const browser = createBrowser(app.origin)
    // A browser gives up the first of two posts, which the server has seen all the same.
    const submitTwice = async (
      page: Page,
      action: string,
      fields: Readonly<Record<string, string>> = {},
    ): Promise<Page> => {
      const [, form = ''] = page.html.split(`${action}"`)
      const csrf = /name="csrf_token" value="([^"]*)"/.exec(form)?.[1] ?? ''
      const init = {
        method: 'POST',
        headers: { origin: app.origin, 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams({ csrf_token: csrf, ...fields }),
      }
      const [given, next] = await Promise.all([
        browser.request(page.url + action, init),
        page.submit(action, fields),
      ])
      expect(given.status).toBeLessThan(500)
      return next
    }
    const signIn = await browser.open(authorizeUrl(server, clientId, challenge))
    const consent = await submitTwice(signIn, '/login/dev', { subject: 'ann' })
    const done = await submitTwice(consent, '/consent')
    const code = done.location?.searchParams.get('code') ?? ''
    const { body } = await postToken(server, codeForm(clientId, { code, verifier, browser }))
    expect((await callTool(app.origin, body.access_token)).status).toBe(200)
  })

  it('E03 keeps what a client has when a proxy repeats its exchange, and gives nothing more', async () => {
    const { client_id: clientId } = await register(server)
    const form = codeForm(clientId, await authorize(server, clientId))
    const first = await postToken(server, form)
    const second = await postToken(server, form)
    expect([second.status, second.body.error]).toEqual([400, 'invalid_grant'])
    expect((await callTool(app.origin, first.body.access_token)).status).toBe(200)
    expect((await refresh(server, clientId, first.body.refresh_token)).status).toBe(200)
  })

  it('gives a client that registers at every start one and the same id, also after a restart', async () => {
    const body = { client_name: 'Again', redirect_uris: [REDIRECT_URI] }
    const first = await register(server, body)
    await app.restart()
    expect((await register(server, body)).client_id).toBe(first.client_id)
    const other = await register(server, { ...body, client_name: 'Another' })
    expect(other.client_id).not.toBe(first.client_id)
  })
})

describe('a document that allows both no authentication and a key', () => {
  const clientId = keyed?.document.client_id ?? ''
  const redirectUri = String([keyed?.document.redirect_uris].flat()[0])

  async function obtainCode(): Promise<Record<string, string>> {
    const { verifier, challenge } = createVerifier()
    const page = await createBrowser(app.origin).open(
      authorizeUrl(server, clientId, challenge, { redirect_uri: redirectUri, scope: undefined }),
    )
    const done = await approve(page)
    return {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: done.location?.searchParams.get('code') ?? '',
      code_verifier: verifier,
      redirect_uri: redirectUri,
    }
  }
  const exchange = async (proof: Readonly<Record<string, string>>) =>
    postToken(server, { ...(await obtainCode()), ...proof })
  const proofOf = (client_assertion: string) => ({
    client_assertion_type: ASSERTION_TYPE,
    client_assertion,
  })

  it('D16 takes the key, or nothing', async () => {
    const proof = proofOf(await network.sign(clientId, app.origin))
    expect((await exchange(proof)).status).toBe(200)
    expect((await exchange({})).status).toBe(200)
  })

  it('D16 refuses another key, another audience, and an assertion that was used', async () => {
    const other = await createOutsideNetwork([], CHATGPT_KEYS)
    const used = await network.sign(clientId, app.origin)
    expect((await exchange(proofOf(used))).status).toBe(200)
    for (const assertion of [
      await other.sign(clientId, app.origin),
      await network.sign(clientId, 'https://other.example'),
      used,
    ]) {
      const { status, body } = await exchange(proofOf(assertion))
      expect([status, body.error]).toEqual([401, 'invalid_client'])
    }
  })
  it.each([403, 500])('M10 answers 503, not 401, while its keys answer %i', async (status) => {
    // A new process has fetched no keys yet.
    await app.restart()
    const form = await obtainCode()
    const send = async () =>
      postToken(server, { ...form, ...proofOf(await network.sign(clientId, app.origin)) })
    network.setKeysStatus(status)
    try {
      const refused = await Promise.all([send(), send()])
      for (const { status: answered, body } of refused) {
        expect([answered, body.error]).toEqual([503, 'temporarily_unavailable'])
      }
    } finally {
      network.setKeysStatus(200)
    }
    expect((await send()).status).toBe(200)
  })

  it('M10 keeps serving others while its keys do not come', async () => {
    await app.restart()
    const other = await obtainTokens(server)
    const forms = [await obtainCode(), await obtainCode()]
    const keys = network.holdKeys()
    // More than the connections of the database, each with a proof of its own.
    const waiting = Array.from({ length: 8 }, async (_, index) =>
      postToken(server, {
        ...forms[index % forms.length],
        ...proofOf(await network.sign(clientId, app.origin)),
      }),
    )
    try {
      await keys.reached
      let token: unknown = other.tokens.refresh_token
      for (let times = 0; times < 5; times += 1) {
        const { status, body } = await refresh(server, other.clientId, token)
        expect(status).toBe(200)
        token = body.refresh_token
      }
    } finally {
      keys.release()
    }
    const statuses = (await Promise.all(waiting)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(forms.length)
  })

  it('M10 answers 401 when its keys are gone', async () => {
    await app.restart()
    network.setKeysStatus(404)
    const answer = await exchange(proofOf(await network.sign(clientId, app.origin)))
    network.setKeysStatus(200)
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
  })
})
