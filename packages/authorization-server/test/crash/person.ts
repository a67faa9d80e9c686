import { type Browser, createBrowser, type Page } from '../engine/support/browser.js'
import {
  authorizeUrl,
  codeForm,
  createVerifier,
  postToken,
  type Tokens,
} from '../engine/support/flow.js'
import type { TestServer } from '../engine/support/server.js'
import type { OpenidProvider } from '../login/support/openid-provider.js'
import { pastedTokenOf } from './crash-logins.js'
import { STEP_HEADER } from './crash-steps.js'
import type { Ledger } from './ledger.js'

type Answer = Awaited<ReturnType<typeof postToken>>

/** How people sign in: from the list of developers, or at the upstream. */
export type SignInWay = 'dev' | 'company'

/** What all people of a test have in common. */
export interface Surroundings {
  server(): Pick<TestServer, 'origin' | 'resource'>
  readonly clientId: string
  readonly ledger: Ledger
  /** Lives on when the server dies. */
  readonly company: OpenidProvider
}

/** Somebody with a browser and an app, who goes on after a server has died under a request. */
export interface Person {
  /**
   * Signs in, connects an account and approves where that is asked for, and lets the app redeem the
   * code. Another name than the last time is another person at the same browser.
   */
  signIn(name?: string): Promise<void>
  /** Lets the app refresh. */
  refresh(): Promise<void>
  /**
   * Asks again for what was not answered, and goes on to tokens that work, whatever that takes.
   *
   * @returns whether the app had to send the person once more.
   */
  recover(killedAt: string): Promise<boolean>
}

function isCommitted(point: string): boolean {
  // The last use of a client is counted behind the commit, before the answer leaves.
  return /^after .*COMMIT|as_client_touch$/.test(point)
}

function isOfForm(point: string): boolean {
  return /POST interaction\//.test(point)
}

export function createPerson(surroundings: Surroundings, way: SignInWay): Person {
  const { clientId, ledger, company } = surroundings
  const server = () => surroundings.server() as TestServer
  const browser: Browser = createBrowser(server().origin)
  const actions = [`/login/${way}`, '/connect', '/consent']
  let name = ''
  let prompt: 'login' | undefined
  let verifier = ''
  let tokens: Tokens | undefined
  /** What the upstream answered last. */
  let callback: string | undefined
  /** What is under way, to be asked again. */
  let pending: { readonly kind: 'page' | 'code' | 'refresh'; again(): Promise<unknown> } | undefined

  async function ask<Value>(
    kind: 'page' | 'code' | 'refresh',
    again: () => Promise<Value>,
  ): Promise<Value> {
    pending = { kind, again }
    const value = await again()
    pending = undefined
    return value
  }

  async function redeem(form: Readonly<Record<string, string>>, step: string): Promise<Answer> {
    const answer = await postToken(server(), form, { [STEP_HEADER]: step })
    if (answer.status >= 500) throw new Error(`${step}: ${answer.status}`)
    if (answer.status === 200) {
      tokens = answer.body as Tokens
      ledger.note(form.code ?? form.refresh_token ?? '', tokens, name)
    }
    return answer
  }

  const open = (): Promise<Page> => {
    const pair = createVerifier()
    verifier = pair.verifier
    const url = authorizeUrl(server(), clientId, pair.challenge, { prompt })
    return ask('page', () => browser.open(url))
  }

  /** Signs in at the upstream, and comes back with its answer. */
  function comeBack(url: URL): Promise<Page> {
    company.claims = { sub: name, email: `${name}@example.com`, email_verified: true }
    const answer = company.authorize(url).href
    callback = answer
    return ask('page', () => browser.open(answer))
  }

  function submit(page: Page): Promise<Page> | undefined {
    const action = actions.find((each) => page.html.includes(`${each}"`))
    if (action === undefined) return undefined
    const fields = { subject: name, api_token: pastedTokenOf(name) }
    return ask('page', () => page.submit(action, fields))
  }

  /** Goes on from any page to a code; `undefined` from one that leads nowhere. */
  async function goOn(from: Page): Promise<string | undefined> {
    let page: Page | undefined = from
    while (page !== undefined) {
      const { url, status, location }: Page = page
      if (status >= 500) throw new Error(`${url}: ${status}`)
      if (location === undefined) page = await submit(page)
      else if (location.origin === company.issuer) page = await comeBack(location)
      else return location.searchParams.get('code') ?? undefined
    }
    return undefined
  }

  async function redeemCode(code: string): Promise<Answer> {
    const form = codeForm(clientId, { code, verifier, browser })
    return ask('code', () => redeem(form, 'code'))
  }

  async function expectCode(code: string | undefined): Promise<void> {
    if (code === undefined) throw new Error('locked out: a new request does not lead to a code')
    const { status, body } = await redeemCode(code)
    if (status !== 200) throw new Error(`locked out: ${JSON.stringify(body)}`)
  }

  async function startOver(): Promise<void> {
    await expectCode(await goOn(await open()))
  }

  function refreshForm() {
    return {
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: tokens?.refresh_token ?? '',
    }
  }

  async function refresh(): Promise<void> {
    const form = refreshForm()
    const { status, body } = await ask('refresh', () => redeem(form, 'refresh'))
    if (status !== 200) throw new Error(`the app was signed out: ${JSON.stringify(body)}`)
  }

  /** @returns whether that took another request of the app. */
  async function recoverPage(page: Page, killedAt: string): Promise<boolean> {
    const code = await goOn(page)
    if (code === undefined) {
      // What came back from elsewhere may be used up without its answer, and the app then asks anew;
      // a form is not.
      if (isOfForm(killedAt)) throw new Error(`the form leads nowhere: ${page.status}`)
      await startOver()
    } else await expectCode(code)
    return code === undefined
  }

  /** @returns whether that took another request of the app. */
  async function recoverToken(
    { status, body }: Answer,
    kind: 'code' | 'refresh',
    killedAt: string,
  ): Promise<boolean> {
    if (status === 200) return false
    if (kind === 'refresh') {
      throw new Error(`the app was signed out: ${JSON.stringify(body)}`)
    }
    // Redeemed, and nobody has the tokens: only after the commit, and then once more by the app.
    if (!isCommitted(killedAt)) throw new Error(`the code is lost: ${JSON.stringify(body)}`)
    await startOver()
    return true
  }

  /** What the upstream answered counts once, whoever dies over it. */
  async function expectSpentCallback(): Promise<void> {
    if (callback === undefined) return
    const { status, location } = await browser.open(callback)
    if (status !== 403 || location !== undefined) throw new Error(`answered twice: ${status}`)
  }

  return {
    async signIn(next = name) {
      prompt = name === '' || next === name ? undefined : 'login'
      name = next
      await startOver()
    },
    refresh,
    async recover(killedAt) {
      if (pending === undefined) throw new Error('nothing was under way')
      const { kind, again } = pending
      const answer = await again()
      const beganAgain =
        kind === 'page'
          ? await recoverPage(answer as Page, killedAt)
          : await recoverToken(answer as Answer, kind, killedAt)
      pending = undefined
      await refresh()
      await expectSpentCallback()
      return beganAgain
    },
  }
}
