import { type Browser, createBrowser, type Page } from '../engine/support/browser.js'
import {
  authorizeUrl,
  codeForm,
  createVerifier,
  postToken,
  type Tokens,
} from '../engine/support/flow.js'
import type { TestServer } from '../engine/support/server.js'
import { STEP_HEADER } from './crash-steps.js'

type Server = Pick<TestServer, 'origin' | 'resource'>
type Answer = Awaited<ReturnType<typeof postToken>>

/** What was given for codes and refresh tokens, over all that one test does. */
export interface Ledger {
  /** Notes that a code or refresh token was answered with tokens. */
  note(spent: string, tokens: Tokens): void
  /** Codes that were redeemed twice, and refresh tokens that were answered with different successors. */
  doubleSpends(): readonly string[]
}

export function createLedger(): Ledger {
  const given = new Map<string, Set<string>>()
  const doubles = new Set<string>()
  return {
    note(spent, { refresh_token: next }) {
      const known = given.get(spent)
      if (known === undefined) given.set(spent, new Set([next]))
      else if (!known.has(next)) doubles.add(spent)
    },
    doubleSpends: () => [...doubles],
  }
}

/** One person with a browser and an app, who goes on after a server has died under a request. */
export interface Person {
  /** Signs in, approves and lets the app redeem the code. */
  signIn(): Promise<void>
  /** Lets the app refresh. */
  refresh(): Promise<void>
  /** Asks again for what was not answered, and goes on to tokens that work, whatever that takes. */
  recover(killedAt: string): Promise<void>
}

function isCommitted(point: string): boolean {
  return /^after .*COMMIT/.test(point)
}

export function createPerson(serverOf: () => Server, clientId: string, ledger: Ledger): Person {
  const { origin } = serverOf()
  const server = () => serverOf() as TestServer
  const browser: Browser = createBrowser(origin)
  let verifier = ''
  let tokens: Tokens | undefined
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
      ledger.note(form.code ?? form.refresh_token ?? '', tokens)
    }
    return answer
  }

  const open = (): Promise<Page> => {
    const pair = createVerifier()
    verifier = pair.verifier
    const url = authorizeUrl(server(), clientId, pair.challenge)
    return ask('page', () => browser.open(url))
  }

  /** Goes on from any page to a code; `undefined` from one that leads nowhere. */
  async function goOn(from: Page): Promise<string | undefined> {
    let page = from
    while (page.location === undefined) {
      if (page.status >= 500) throw new Error(`${page.url}: ${page.status}`)
      const action = ['/login/dev', '/consent'].find((each) => page.html.includes(`${each}"`))
      if (action === undefined) return undefined
      const current = page
      page = await ask('page', () => current.submit(action, { subject: 'ann' }))
    }
    return page.location.searchParams.get('code') ?? undefined
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

  return {
    signIn: startOver,
    refresh,
    async recover(killedAt) {
      if (pending === undefined) throw new Error('nothing was under way')
      const { kind, again } = pending
      if (kind === 'page') {
        const code = await goOn((await again()) as Page)
        // A page may have been used up without its answer; the app then asks anew.
        if (code === undefined) await startOver()
        else await expectCode(code)
      } else {
        const { status, body } = (await again()) as Answer
        if (status !== 200 && kind === 'refresh') {
          throw new Error(`the app was signed out: ${JSON.stringify(body)}`)
        }
        if (status !== 200) {
          // Redeemed, and nobody has the tokens: only after the commit, and then once more by the app.
          if (!isCommitted(killedAt)) throw new Error(`the code is lost: ${JSON.stringify(body)}`)
          await startOver()
        }
      }
      pending = undefined
      await refresh()
    },
  }
}
