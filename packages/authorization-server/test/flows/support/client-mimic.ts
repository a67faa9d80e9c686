import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { createBrowser, type Page } from '../../engine/support/browser.js'
import { createVerifier } from '../../engine/support/flow.js'
import type { ClientDefinition } from './client-definitions.js'
import type { FlowApp } from './flow-app.js'
import type { OutsideNetwork } from './outside-network.js'

type Json = Readonly<Record<string, unknown>>

/** An answer with its body read as JSON. */
export interface JsonAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Json
}

/** What a client holds after it was let in. */
export interface MimicTokens {
  readonly accessToken: string
  readonly refreshToken: string
  readonly scopes: readonly string[]
}

/** A client that speaks to one server in the way of its definition. */
export interface ClientMimic {
  /** Reads the challenge and both metadata documents. */
  discover(): Promise<void>
  register(): Promise<void>
  /** Opens the browser on the authorization request. */
  startAuthorization(scope: string | undefined): Promise<Page>
  /** Checks the redirect and exchanges its code. */
  finishAuthorization(page: Page): Promise<MimicTokens>
  refresh(tokens: MimicTokens): Promise<MimicTokens>
  callTool(tokens: MimicTokens | undefined, name: string): Promise<JsonAnswer>
  /** What it asks for at first. */
  initialScope(): string | undefined
}

/** Reads one parameter of a Bearer challenge. */
export function challengeParameter(headers: Headers, name: string): string | undefined {
  const challenge = headers.get('www-authenticate') ?? ''
  return new RegExp(`[ ,]${name}="([^"]*)"`).exec(challenge)?.[1]
}

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [])

async function readAnswer(response: Response): Promise<JsonAnswer> {
  const text = await response.text()
  // Before revision 2026-07-28 the SDK answers calls with an event stream.
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? text
  return { status: response.status, headers: response.headers, body: JSON.parse(data) }
}

/** Posts a form from an address of this machine, as one of several hosts of a client does. */
export function postFormFrom(localAddress: string, url: string, form: string): Promise<JsonAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const outgoing = httpRequest(url, { method: 'POST', localAddress, headers }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.once('end', () => {
        const body: Json = JSON.parse(Buffer.concat(chunks).toString())
        resolve({ status: incoming.statusCode ?? 0, headers: new Headers(), body })
      })
    })
    outgoing.once('error', reject)
    outgoing.end(form)
  })
}

/** Lets a client of this definition loose on a server. */
export function createMimic(
  app: FlowApp,
  definition: ClientDefinition,
  network: OutsideNetwork,
): ClientMimic {
  const { registration, redirectUri, pageOrigin } = definition
  const browser = createBrowser(app.origin)
  let challengeScope: string | undefined
  let resourceMetadata: Json = {}
  let serverMetadata: Json = {}
  let clientId = ''
  let verifier = ''
  let state = ''
  let calls = 0

  async function send(url: string, init: RequestInit = {}): Promise<JsonAnswer> {
    const headers = new Headers(init.headers)
    if (pageOrigin !== undefined) {
      headers.set('origin', pageOrigin)
      const preflight = await fetch(url, {
        method: 'OPTIONS',
        headers: {
          origin: pageOrigin,
          'access-control-request-method': init.method ?? 'GET',
          'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
        },
      })
      assert.ok(preflight.ok, `preflight of ${url}: ${preflight.status}`)
    }
    const answer = await readAnswer(await fetch(url, { ...init, headers }))
    if (pageOrigin !== undefined) {
      const allowed = answer.headers.get('access-control-allow-origin') ?? ''
      assert.ok(['*', pageOrigin].includes(allowed), `no CORS on ${url}`)
    }
    return answer
  }

  const endpoint = (name: string): string => String(serverMetadata[name])

  async function tokenForm(fields: Readonly<Record<string, string>>): Promise<string> {
    const form = new URLSearchParams({ ...fields, client_id: clientId })
    if (registration.kind === 'document' && registration.authentication !== undefined) {
      const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      form.set('client_assertion_type', type)
      form.set('client_assertion', await network.sign(clientId, endpoint('token_endpoint')))
    }
    return form.toString()
  }

  async function postToken(fields: Readonly<Record<string, string>>): Promise<JsonAnswer> {
    return send(endpoint('token_endpoint'), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: await tokenForm(fields),
    })
  }

  function readTokens({ status, headers, body }: JsonAnswer): MimicTokens {
    assert.equal(status, 200, JSON.stringify(body))
    assert.ok(!Object.values(body).includes(null), 'clients refuse null')
    assert.match(String(body.token_type), /^bearer$/i)
    assert.ok(Number(body.expires_in) > 0)
    // Answers of `postFormFrom` come without their headers.
    if ([...headers].length > 0) assert.equal(headers.get('cache-control'), 'no-store')
    const { access_token: accessToken, refresh_token: refreshToken, scope } = body
    assert.equal(typeof accessToken, 'string')
    assert.equal(typeof refreshToken, 'string', 'every client needs a refresh token')
    return {
      accessToken: String(accessToken),
      refreshToken: String(refreshToken),
      scopes: String(scope).split(' '),
    }
  }

  async function callTool(tokens: MimicTokens | undefined, name: string): Promise<JsonAnswer> {
    calls += 1
    return send(app.resource, {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-protocol-version': '2025-11-25',
        ...(tokens === undefined ? {} : { authorization: `Bearer ${tokens.accessToken}` }),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: calls,
        method: 'tools/call',
        params: { name, arguments: {} },
      }),
    })
  }

  return {
    callTool,
    async discover() {
      const refused = await callTool(undefined, 'read_note')
      assert.equal(refused.status, 401)
      assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer /)
      assert.equal(challengeParameter(refused.headers, 'error'), undefined)
      challengeScope = challengeParameter(refused.headers, 'scope')

      const resourceUrl = challengeParameter(refused.headers, 'resource_metadata') ?? ''
      assert.equal(new URL(resourceUrl).origin, app.origin)
      resourceMetadata = (await send(resourceUrl)).body
      assert.equal(resourceMetadata.resource, app.resource)

      const [issuer = ''] = texts(resourceMetadata.authorization_servers)
      const urls = ['oauth-authorization-server', 'openid-configuration'].map(
        (name) => `${issuer}/.well-known/${name}`,
      )
      const [oauth, openid] = await Promise.all(urls.map((url) => send(url)))
      assert.deepEqual(oauth?.body, openid?.body)
      serverMetadata = oauth?.body ?? {}
      assert.equal(serverMetadata.issuer, issuer)
      assert.ok(texts(serverMetadata.code_challenge_methods_supported).includes('S256'))
      assert.equal(serverMetadata.authorization_response_iss_parameter_supported, true)
    },
    async register() {
      if (registration.kind === 'document') {
        assert.equal(serverMetadata.client_id_metadata_document_supported, true)
        const methods = texts(serverMetadata.token_endpoint_auth_methods_supported)
        assert.ok(methods.includes(registration.authentication ?? 'none'))
        clientId = registration.document.client_id
        return
      }
      const { status, body } = await send(endpoint('registration_endpoint'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(registration.body),
      })
      assert.equal(status, 201, JSON.stringify(body))
      assert.ok(!Object.values(body).includes(null), 'clients refuse null')
      assert.equal(body.client_secret, undefined)
      clientId = String(body.client_id)
    },
    initialScope: () =>
      definition.scope({
        challenge: challengeScope,
        resource: texts(resourceMetadata.scopes_supported),
        server: texts(serverMetadata.scopes_supported),
      }),
    async startAuthorization(scope) {
      const proof = createVerifier()
      verifier = proof.verifier
      state = crypto.randomUUID()
      const url = new URL(endpoint('authorization_endpoint'))
      url.search = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        code_challenge: proof.challenge,
        code_challenge_method: 'S256',
        state,
        resource: String(resourceMetadata.resource),
        ...(scope === undefined ? {} : { scope }),
        ...definition.parameters,
      }).toString()
      return browser.open(url.href)
    },
    async finishAuthorization(page) {
      const { location } = page
      assert.ok(location !== undefined, `no redirect: ${page.status} ${page.html.slice(0, 2000)}`)
      assert.equal(location.href.split('?')[0], redirectUri)
      assert.equal(location.searchParams.get('error'), null)
      assert.equal(location.searchParams.get('state'), state)
      assert.equal(location.searchParams.get('iss'), serverMetadata.issuer)
      return readTokens(
        await postToken({
          grant_type: 'authorization_code',
          code: location.searchParams.get('code') ?? '',
          code_verifier: verifier,
          redirect_uri: redirectUri,
          resource: String(resourceMetadata.resource),
        }),
      )
    },
    async refresh({ refreshToken }) {
      const fields = {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        ...(definition.omitsResourceOnRefresh === true
          ? {}
          : { resource: String(resourceMetadata.resource) }),
      }
      if (definition.refreshesTwice !== true) return readTokens(await postToken(fields))
      const form = await tokenForm(fields)
      const answers = await Promise.all(
        ['127.0.0.1', '127.0.0.2'].map((address) =>
          postFormFrom(address, endpoint('token_endpoint'), form),
        ),
      )
      const [first, second] = answers.map(readTokens)
      assert.ok(first !== undefined && second !== undefined)
      // Either host may be the one whose answer is kept.
      assert.equal(first.refreshToken, second.refreshToken)
      return second
    },
  }
}
