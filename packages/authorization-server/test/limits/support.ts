import type { AuthorizationServerEvent } from '../../src/engine/events.js'
import { apiTokenLogin } from '../../src/login/api-token-login.js'
import { createBrowser, type Page } from '../engine/support/browser.js'
import { authorizeUrl, createVerifier, register } from '../engine/support/flow.js'
import type { TestServer } from '../engine/support/server.js'

export const SECRET = 'canary-token-of-ann'
/** Every token that was sent upstream. */
export const asked: string[] = []

/** A login that knows one token. */
export const byToken = apiTokenLogin({
  id: 'coda',
  label: 'Coda API token',
  issuer: 'https://coda.test',
  async verify(token) {
    asked.push(token)
    if (token === 'outage') throw new Error('down')
    if (token === SECRET) return { subject: 'ann@example.com', email: 'ann@example.com' }
    return token === 'token-of-eve' ? { subject: 'eve', email: 'eve@example.com' } : undefined
  },
})

/** Makes requests through `fetch` come from an address, where the server trusts one proxy. */
export async function from<Value>(address: string, run: () => Promise<Value>): Promise<Value> {
  const real = globalThis.fetch
  globalThis.fetch = (input, init = {}) => {
    const headers = new Headers(init.headers)
    headers.set('x-forwarded-for', address)
    return real(input, { ...init, headers })
  }
  try {
    return await run()
  } finally {
    globalThis.fetch = real
  }
}

/** Opens the page with the ways in. */
export async function openSignIn(server: TestServer): Promise<Page> {
  const { client_id: id } = await register(server)
  const browser = createBrowser(server.origin)
  return browser.open(authorizeUrl(server, id, createVerifier().challenge))
}

/** The events of one name. */
export function named(events: readonly AuthorizationServerEvent[], name: string) {
  return events.filter(({ event }) => event === name)
}
