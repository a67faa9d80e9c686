import { expect } from 'vitest'
import {
  REDIRECT_URI,
  register,
} from '../../../../packages/authorization-server/test/engine/support/flow.js'
import { ask, expectErrorPage, tryToRegister, withServer } from '../authorization-server.js'

/** Expects a page for each redirect URI that a registered client does not have. */
function refuses(uris: readonly string[], registered = REDIRECT_URI) {
  return () =>
    withServer(async (server) => {
      const { client_id: id } = await register(server, { redirect_uris: [registered] })
      expect((await ask(server, id, { redirect_uri: registered })).status).toBe(200)
      for (const uri of uris) expectErrorPage(await ask(server, id, { redirect_uri: uri }), uri)
    })
}

/** Expects that no client can be registered with any of the redirect URIs, alone or beside a good one. */
function refusesToRegister(uris: readonly string[]) {
  return () =>
    withServer(async (server) => {
      expect((await tryToRegister(server, { redirect_uris: [REDIRECT_URI] })).status).toBe(201)
      for (const uri of uris) {
        for (const list of [[uri], [REDIRECT_URI, uri]]) {
          const { status, body } = await tryToRegister(server, { redirect_uris: list })
          expect([uri, status, body.error]).toEqual([uri, 400, 'invalid_redirect_uri'])
        }
      }
    })
}

/** Attacks on where the browser, and with it the code, is sent. */
export const REDIRECT_ATTACKS = {
  'CVE-2025-4143': refuses(['https://evil.test/callback', 'https://app.test/elsewhere']),

  'CVE-2024-8883': refuses(
    [
      'http://127.0.0.1.evil.test:3000/cb',
      'http://localhost:3000/cb',
      'http://127.0.0.1:3000@evil.test/cb',
      'https://evil.test/cb',
      'http://127.0.0.1:3000/cb/../../other',
    ],
    'http://127.0.0.1:3000/cb',
  ),

  'CVE-2026-7504': refuses([
    'https://app.test@evil.test/callback',
    'https://a@b@app.test/callback',
    'https://app.test:443@@evil.test/callback',
  ]),

  'CVE-2026-3872': refuses([
    `${REDIRECT_URI}/..;/evil`,
    `${REDIRECT_URI}/../evil`,
    `${REDIRECT_URI}%2f..%2fevil`,
    'https://app.test/x/..;/callback',
  ]),

  'CVE-2026-18211': refusesToRegister([
    'http://localhost.evil.test/cb',
    'http://127.0.0.1.evil.test/cb',
    'http://localhost@evil.test/cb',
    'http://localhostevil.test/cb',
  ]),

  'CVE-2026-9086': refusesToRegister(['JaVaScRiPt:alert(1)', 'DATA:text/html,x', 'VBSCRIPT:x']),

  'GHSA-86j7-9j95-vpqj': refusesToRegister([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'http://app.test/cb',
    `${REDIRECT_URI}#x`,
  ]),

  'GHSA-q9xg-f2v2-695g': refusesToRegister([
    'javascript:fetch("/oauth/token")//',
    'data:text/html,<script>1</script>',
    'blob:https://app.test/1',
    'file:///etc/passwd',
  ]),

  'CVE-2026-41479': () =>
    withServer(async (server) => {
      const { client_id: id } = await register(server)
      for (const parameters of [
        { response_type: 'token' },
        { response_type: 'nonsense' },
        { scope: 'a"b' },
      ]) {
        const evil = { ...parameters, redirect_uri: 'https://evil.test/steal' }
        expectErrorPage(await ask(server, id, evil), JSON.stringify(parameters))
      }
    }),
}
