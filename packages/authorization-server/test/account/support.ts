import { type Browser, createBrowser, type Page } from '../engine/support/browser.js'
import type { TestServer } from '../engine/support/server.js'

export interface SignedIn {
  readonly browser: Browser
  /** The account page. */
  readonly page: Page
}

/** Signs in for the account page with the developer's login. */
export async function openAccount(
  server: TestServer,
  subject = 'ann',
  browser = createBrowser(server.origin),
): Promise<SignedIn> {
  const signIn = await browser.open(`${server.origin}/account`)
  const page = signIn.html.includes('/login/dev')
    ? await signIn.submit('/login/dev', { subject })
    : signIn
  return { browser, page }
}

/** Makes an admin of somebody who signed in, and opens the page again. */
export async function openAdmin(server: TestServer, subject = 'ann'): Promise<SignedIn> {
  const { browser } = await openAccount(server, subject)
  await server.as.users.setRole(`${subject}@example.com`, 'admin')
  return { browser, page: await browser.open(`${server.origin}/account`) }
}

/** Paths that the forms of a page post to. */
export function actionsOf({ html }: Page): string[] {
  return [...html.matchAll(/<form\b[^>]*action="([^"]*)"/g)].map(([, action = '']) => action)
}

/** Value of the session cookie. */
export function sessionOf({ cookies }: Browser): string | undefined {
  return [...cookies].find(([key]) => key.includes('mcp_auth_session'))?.[1].value
}

/** Posts the fields of one form to another path, as a forged request would. */
export async function postForm(
  server: TestServer,
  browser: Browser,
  path: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = { origin: server.origin },
): Promise<Response> {
  return browser.request(`${server.origin}${path}`, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin', ...headers },
    body: new URLSearchParams(fields),
  })
}

/** The token of the form that posts to a path. */
export function tokenOf({ html }: Page, action: string): string {
  const form = [...html.matchAll(/<form\b[\s\S]*?<\/form>/g)].find(([text]) =>
    text.includes(`action="${action}"`),
  )?.[0]
  return /name="csrf_token" value="([^"]*)"/.exec(form ?? '')?.[1] ?? ''
}
