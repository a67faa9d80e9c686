import { expect } from 'vitest'
import {
  createBrowser,
  type Page,
} from '../../../packages/authorization-server/test/engine/support/browser.js'
import {
  authorizeUrl,
  createVerifier,
} from '../../../packages/authorization-server/test/engine/support/flow.js'
import {
  startServer,
  type TestServer,
  type TestServerOptions,
} from '../../../packages/authorization-server/test/engine/support/server.js'

export const { challenge } = createVerifier()

/** Runs an attack against an authorization server of its own. */
export async function withServer(
  run: (server: TestServer) => Promise<void>,
  options?: TestServerOptions,
): Promise<void> {
  const server = await startServer(options)
  try {
    await run(server)
  } finally {
    await server.close()
  }
}

/** Opens an authorization request in a new browser. */
export function ask(
  server: TestServer,
  clientId: string,
  parameters: Readonly<Record<string, string | undefined>>,
): Promise<Page> {
  return createBrowser(server.origin).open(authorizeUrl(server, clientId, challenge, parameters))
}

/** Expects a page of ours, and nothing sent anywhere. */
export function expectErrorPage(page: Page, what: string): void {
  expect([what, page.status, page.location]).toEqual([what, 400, undefined])
}

/** Registers a client with members that may be hostile. */
export async function tryToRegister(
  server: TestServer,
  members: Readonly<Record<string, unknown>>,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${server.origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'Mallory', ...members }),
  })
  return { status: response.status, body: await response.json() }
}
