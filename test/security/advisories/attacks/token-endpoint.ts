import { expect } from 'vitest'
import { createBrowser } from '../../../../packages/authorization-server/test/engine/support/browser.js'
import {
  authorize,
  authorizeUrl,
  callMcp,
  codeForm,
  obtainTokens,
  postToken,
  refresh,
  register,
} from '../../../../packages/authorization-server/test/engine/support/flow.js'
import type { TestServer } from '../../../../packages/authorization-server/test/engine/support/server.js'
import { ask, challenge, withServer } from '../authorization-server.js'

const FORM = 'application/x-www-form-urlencoded'

async function newCode(server: TestServer) {
  const { client_id: clientId } = await register(server)
  return { clientId, form: codeForm(clientId, await authorize(server, clientId)) }
}

/** Expects an error of the authorization endpoint, and no code. */
async function expectNoCode(
  server: TestServer,
  parameters: Readonly<Record<string, string | undefined>>,
  error: string,
): Promise<void> {
  const { client_id: id } = await register(server)
  const { location } = await ask(server, id, parameters)
  expect(location?.searchParams.get('error')).toBe(error)
  expect(location?.searchParams.has('code')).toBe(false)
}

/** Expects a grant type to be unknown here. */
function refusesGrant(grantType: string, fields: Readonly<Record<string, string>>) {
  return () =>
    withServer(async (server) => {
      const { client_id: clientId } = await register(server)
      const form = { grant_type: grantType, client_id: clientId, ...fields }
      const { status, body } = await postToken(server, form)
      expect([status, body.error]).toEqual([400, 'unsupported_grant_type'])
      const metadata: Record<string, unknown> = { ...server.as.metadata }
      expect(metadata.grant_types_supported).not.toContain(grantType)
    })
}

/** Attacks on the exchange of codes and refresh tokens. */
export const TOKEN_ATTACKS = {
  'CVE-2025-4144': () =>
    withServer(async (server) => {
      const without = { code_challenge: undefined, code_challenge_method: undefined }
      await expectNoCode(server, without, 'invalid_request')
      const { clientId, form } = await newCode(server)
      const { code_verifier: _, ...stripped } = form
      expect((await postToken(server, stripped)).status).toBe(400)
      const other = await postToken(server, { ...form, code_verifier: 'x'.repeat(43) })
      expect([other.status, other.body.access_token]).toEqual([400, undefined])
      expect(clientId).toBeTypeOf('string')
    }),

  'CVE-2026-48717': () =>
    withServer(async (server) => {
      const { form } = await newCode(server)
      for (const verifier of ['', 'short', challenge]) {
        const answer = await postToken(server, { ...form, code_verifier: verifier })
        expect([answer.status, answer.body.access_token]).toEqual([400, undefined])
      }
    }),

  'GHSA-9h47-pqcx-hjr4': () =>
    withServer(async (server) => {
      await expectNoCode(server, { code_challenge_method: 'plain' }, 'invalid_request')
      await expectNoCode(server, { code_challenge_method: undefined }, 'invalid_request')
      expect(server.as.metadata).toMatchObject({ code_challenge_methods_supported: ['S256'] })
      expect(JSON.stringify(server.as.metadata)).not.toContain('"none"]')
    }),

  'CVE-2026-53512': () =>
    withServer(async (server) => {
      const client = await register(server, { token_endpoint_auth_method: 'client_secret_post' })
      const { client_id: id, client_secret: secret = '' } = client
      const form = codeForm(id, await authorize(server, id))
      const { body } = await postToken(server, { ...form, client_secret: secret })
      for (const own of [{}, { client_secret: '' }, { client_secret: `${secret}x` }]) {
        const stolen = { grant_type: 'refresh_token', client_id: id, ...own }
        const answer = await postToken(server, {
          ...stolen,
          refresh_token: String(body.refresh_token),
        })
        expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
      }
      const other = await register(server, { client_name: 'Other' })
      const crossed = await refresh(server, other.client_id, body.refresh_token)
      expect([crossed.status, crossed.body.error]).toEqual([400, 'invalid_grant'])
    }),

  'GHSA-7w99-5wm4-3g79': () =>
    withServer(async (server) => {
      const { form } = await newCode(server)
      const answers = await Promise.all(Array.from({ length: 50 }, () => postToken(server, form)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(49)
    }),

  'GHSA-392p-2q2v-4372': () =>
    withServer(async (server) => {
      const { clientId, tokens } = await obtainTokens(server)
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => refresh(server, clientId, tokens.refresh_token)),
      )
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
      // One lineage: what is used long after the window ends all of it.
      const head = answers[0]?.body
      server.advance(121)
      expect((await refresh(server, clientId, head?.refresh_token)).status).toBe(200)
      server.advance(121)
      expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(400)
      expect(await callMcp(server, head?.access_token)).toBe(401)
    }),

  'GHSA-p2fr-6hmx-4528': () =>
    withServer(async (server) => {
      await expectNoCode(server, { resource: 'https://other.test/mcp' }, 'invalid_target')
      const { clientId, form } = await newCode(server)
      const other = { resource: 'https://other.test/mcp' }
      const refused = await postToken(server, { ...form, ...other })
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_target'])
      const { body } = await postToken(server, form)
      const again = await postToken(server, {
        ...{ grant_type: 'refresh_token', client_id: clientId, ...other },
        refresh_token: String(body.refresh_token),
      })
      expect([again.status, again.body.access_token]).toEqual([400, undefined])
    }),

  'GHSA-2vg6-77g8-24mp': () =>
    withServer(async (server) => {
      const { clientId, tokens, authorization } = await obtainTokens(server)
      const [user] = server.storage.state.users.values()
      if (user === undefined) throw new Error('nobody has signed in')
      await server.as.users.suspend(user.userId)
      expect(await callMcp(server, tokens.access_token)).toBe(401)
      expect((await refresh(server, clientId, tokens.refresh_token)).status).toBe(400)
      const page = await authorization.browser.open(authorizeUrl(server, clientId, challenge))
      expect(page.location?.searchParams.has('code') ?? false).toBe(false)
    }),

  'CVE-2026-45337': refusesGrant('urn:ietf:params:oauth:grant-type:device_code', {
    device_code: 'x',
  }),

  'CVE-2026-11800': refusesGrant('urn:ietf:params:oauth:grant-type:jwt-bearer', {
    assertion: 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln',
  }),

  'CVE-2025-15284': () =>
    withServer(async (server) => {
      for (const name of ['a[', 'a[]', 'a[b]']) {
        const body = `grant_type=refresh_token&${name.repeat(500)}=1&${'a[]=1&'.repeat(5000)}`
        const { status } = await postToken(server, body, { 'content-type': FORM })
        expect([name, status]).toEqual([name, 400])
      }
      expect((await createBrowser(server.origin).request('/oauth/authorize')).status).toBe(400)
    }),
}
