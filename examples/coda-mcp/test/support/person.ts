import {
  type Browser,
  createBrowser,
  type Page,
} from '../../../../packages/authorization-server/test/engine/support/browser.js'

/** What a person does on the pages of the authorization server. */
export interface Person {
  /** Where a provider sends the browser back to, for a sign-in elsewhere. */
  readonly atProvider?: ((page: URL) => URL) | undefined
  /** Pasted where a Coda token is asked for. */
  readonly codaToken?: string | undefined
  /** Keeps the session of an earlier visit. */
  readonly browser?: Browser | undefined
}

/** Presses the button that leads on; `undefined` when there is none. */
async function act(page: Page, person: Person, browser: Browser): Promise<Page | undefined> {
  const has = (action: string) => page.html.includes(`${action}"`)
  if (page.location !== undefined) {
    const back = person.atProvider?.(page.location)
    return back && (await browser.open(back.href))
  }
  const pasted = { api_token: person.codaToken ?? '' }
  if (has('/login/dev')) return await page.submit('/login/dev', { subject: 'dev' })
  if (has('/login/oidc')) return await page.submit('/login/oidc')
  if (has('/login/coda')) return await page.submit('/login/coda', pasted)
  if (has('/connect')) return await page.submit('/connect', pasted)
  if (has('/consent')) return await page.submit('/consent')
  return undefined
}

/**
 * Visits the page that an app opens, signs in, connects Coda and consents, until the browser is sent
 * away for good. An issuer that asks nothing is left at once.
 *
 * @returns the last page, whose `location` is where the browser was sent to, if anywhere.
 */
export async function visit(url: URL, person: Person = {}): Promise<Page> {
  const browser = person.browser ?? createBrowser(url.origin)
  let page = await browser.open(url.href)
  for (let steps = 0; steps < 6; steps += 1) {
    const isDone = page.location?.searchParams.has('code') === true
    const next = isDone ? undefined : await act(page, person, browser)
    // A form that was refused comes back with the problem on it.
    if (next === undefined || next.status >= 400) return next ?? page
    page = next
  }
  throw new Error(`the sign-in does not end: ${page.url}`)
}

/** Like {@link visit}, for a visit that has to end at the app. */
export async function approve(url: URL, person: Person = {}): Promise<URL> {
  const page = await visit(url, person)
  if (page.location === undefined) {
    throw new Error(`not sent back to the app: ${page.status} ${page.html.slice(0, 1000)}`)
  }
  return page.location
}
