import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { createPages } from '../../src/pages/create-pages.js'
import { refreshHeader } from '../../src/pages/refresh-header.js'
import {
  findChromium,
  LOOKS,
  launchChromium,
  NO_CHROMIUM,
  type PageServer,
  servePages,
} from './chromium.js'
import { account, admin, claude, connect, consent, renderStates, signIn } from './views.js'

const executablePath = findChromium()
const pages = createPages({
  brand: {
    name: 'Coda MCP',
    logo: '<svg viewBox="0 0 8 8"><rect width="8" height="8" rx="2" fill="#d9480f"/></svg>',
    supportUrl: 'https://help.example.com/',
  },
})
const states = renderStates(pages)

const LOOK_NAMES = ['light', 'dark', 'phone'] as const

/**
 * The looks in which axe judges a state. By day that is one for each state, and every look for each page:
 * its states take turns. By night each state is judged in all of them.
 */
function judgedLooks(state: string): readonly (keyof typeof LOOKS)[] {
  const [page = ''] = state.split('-')
  const ofPage = Object.keys(states).filter((each) => each.split('-')[0] === page)
  const turn = LOOK_NAMES[ofPage.indexOf(state) % LOOK_NAMES.length]
  return isLongForm || turn === undefined || ofPage.length < LOOK_NAMES.length ? LOOK_NAMES : [turn]
}

const HOSTILE = `</style></title>"'><script>window.hit=1</script><img src=/hit onerror=window.hit=1>`
function poison<View>(view: View): View {
  const replace = (key: string, value: unknown) =>
    typeof value === 'string' && !['action', 'helpUrl', 'problem'].includes(key) ? HOSTILE : value
  return JSON.parse(JSON.stringify(view, replace))
}
const hostile: Readonly<Record<string, string>> = {
  'hostile-sign-in': pages.signIn(poison(signIn)),
  'hostile-connect': pages.connect(poison(connect)),
  'hostile-consent': pages.consent(poison(consent)),
  'hostile-account': pages.account(poison({ ...account, isAdmin: true, admin })),
}

describe.skipIf(executablePath === undefined)(
  `pages in Chromium${executablePath === undefined ? ` (skipped: ${NO_CHROMIUM})` : ''}`,
  { timeout: 60_000 },
  () => {
    let browser: Browser
    let server: PageServer
    let client: PageServer
    let page: Page
    const complaints: string[] = []
    const requested: string[] = []

    async function setLook(look: keyof typeof LOOKS): Promise<void> {
      const { colorScheme, viewport } = LOOKS[look]
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize(viewport)
    }

    async function open(path: string, look: keyof typeof LOOKS = 'light'): Promise<void> {
      await setLook(look)
      await page.goto(`${server.origin}/${path}`)
    }

    async function overflowOf(): Promise<number> {
      return page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement
        return scrollWidth - clientWidth
      })
    }

    beforeAll(async () => {
      browser = await launchChromium(executablePath ?? '')
      // The builder of axe wants a context of its own, not that of `browser.newPage`.
      page = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage()
      page.on('console', (message) => complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('request', (request) => {
        if (!request.url().startsWith('data:')) requested.push(request.url())
      })
      await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
          console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`)
        })
      })
      client = await servePages(() => ({
        body: 'received',
        headers: { 'content-type': 'text/plain' },
      }))
      server = await servePages((path, method) => {
        if (method === 'POST' && path.endsWith('/approve')) {
          const continueUrl = `${client.origin}/callback?code=1`
          const body = pages.done({ client: claude, continueUrl, outcome: 'connected' })
          return { body, headers: { ...pages.headers, Refresh: refreshHeader(continueUrl) } }
        }
        if (method === 'POST') return { body: states.done ?? '', headers: pages.headers }
        const body = states[path.slice(1)] ?? hostile[path.slice(1)]
        return body === undefined ? undefined : { body, headers: pages.headers }
      })
    })
    afterAll(async () => {
      await browser?.close()
      await server?.close()
      await client?.close()
    })
    beforeEach(() => {
      for (const list of [complaints, requested, server.requests, client.requests]) list.length = 0
    })

    it.each(Object.keys(states))(
      '%s has no axe violation in light, dark and on a phone, loads nothing, and fits',
      async (state) => {
        await open(state)
        // What is folded away is judged as well.
        const folded = page.locator('details:not([open]) > summary')
        while ((await folded.count()) > 0) await folded.first().click()
        const judged = judgedLooks(state)
        for (const look of LOOK_NAMES) {
          await setLook(look)
          expect(await overflowOf(), look).toBe(0)
          if (!judged.includes(look)) continue
          const axe = new AxeBuilder({ page })
            .setLegacyMode(true)
            .options({ resultTypes: ['violations'] })
          // Nothing but colours differs in the dark scheme from the light one.
          if (look === 'dark' && judged.length > 1)
            axe.withRules(['color-contrast', 'link-in-text-block'])
          const { violations } = await axe.analyze()
          const found = violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])
          expect(found, look).toEqual([])
        }
        expect(complaints).toEqual([])
        expect(requested).toEqual([`${server.origin}/${state}`])
        expect(server.requests).toHaveLength(1)
      },
    )

    it.each(Object.keys(hostile))('A36 %s runs nothing, loads nothing, and fits', async (state) => {
      await open(state, 'phone')
      expect(await page.evaluate(() => Reflect.get(window, 'hit'))).toBeUndefined()
      expect(await page.locator('script, img').count()).toBe(0)
      expect(await page.getByText(HOSTILE).count()).toBeGreaterThan(0)
      expect(await overflowOf()).toBe(0)
      expect(complaints).toEqual([])
      expect(server.requests).toHaveLength(1)
    })

    async function tabTo(name: string): Promise<void> {
      for (let presses = 0; presses < 20; presses += 1) {
        await page.keyboard.press('Tab')
        const [text, outline] = await page.evaluate(() => {
          const { activeElement } = document
          const style = activeElement === null ? undefined : getComputedStyle(activeElement)
          return [activeElement?.textContent?.trim(), style?.outlineWidth]
        })
        expect(outline, text).toBe('3px')
        if (text === name) return
      }
      throw new Error(`no ${name} within 20 tabs`)
    }

    it('is approved by keyboard alone, and goes on to another origin under its policy', async () => {
      await open('consent-loopback')
      await tabTo('Allow')
      await page.keyboard.press('Enter')
      await page.waitForURL(`${client.origin}/callback?code=1`)
      expect(server.requests.at(-1)).toEqual({
        method: 'POST',
        path: '/oauth/interaction/1/approve',
        body: 'csrf_token=csrf-1',
      })
      expect(complaints).toEqual([])
    })

    it('is denied by keyboard alone, with one key less', async () => {
      await open('consent')
      await tabTo('Deny')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/deny')
      expect(server.requests.at(-1)).toEqual({
        method: 'POST',
        path: '/oauth/interaction/1/deny',
        body: 'csrf_token=csrf-1',
      })
    })

    it('A38 offers denying as large as allowing', async () => {
      await open('consent', 'phone')
      const deny = await page.getByRole('button', { name: 'Deny' }).boundingBox()
      const allow = await page.getByRole('button', { name: 'Allow' }).boundingBox()
      expect([deny?.width, deny?.height, deny?.y]).toEqual([allow?.width, allow?.height, allow?.y])
    })

    it('takes a token by keyboard, after a problem from where it happened', async () => {
      await open('sign-in-refused')
      // Chromium moves the focus after the page has loaded, so the first keys may come before.
      await page.locator('input[name="api_token"]:focus').waitFor()
      await page.keyboard.type('canary-token')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/token')
      expect(server.requests.at(-1)?.body).toBe('csrf_token=csrf-1&api_token=canary-token')
    })

    it('does not post an empty token', async () => {
      await open('sign-in')
      await page.getByRole('button', { name: 'Continue with token' }).click()
      expect(server.requests).toHaveLength(1)
    })

    it('posts which development user was chosen', async () => {
      await open('sign-in-dev')
      await page.getByRole('button', { name: 'Continue as Ben' }).click()
      await page.waitForURL('**/dev')
      expect(server.requests.at(-1)?.body).toBe('csrf_token=csrf-1&subject=dev-ben')
    })

    it('A40 is not shown in a frame', async () => {
      await page.goto(`${client.origin}/`)
      await page.setContent(`<iframe src="${server.origin}/consent"></iframe>`)
      await expect.poll(() => complaints.join()).toContain('frame-ancestors')
      expect(await page.frameLocator('iframe').getByRole('button').count()).toBe(0)
    })

    it('keeps tables and lists what they are to a screen reader, on a phone as well', async () => {
      await open('account-admin', 'phone')
      const users = page.getByRole('table', { name: 'Users' })
      expect(await users.getByRole('row').count()).toBe(5)
      expect(await users.getByRole('columnheader', { name: 'Last sign-in' }).count()).toBe(1)
      expect(await page.getByRole('button', { name: 'Disconnect Cursor' }).count()).toBe(1)
      expect(await page.getByRole('list').count()).toBeGreaterThan(0)
    })

    it('breaks no word in the tables of an admin, but for ids', async () => {
      for (const look of ['light', 'phone'] as const) {
        await open('account-admin', look)
        const broken = await page.evaluate(() =>
          [...document.querySelectorAll('table')].flatMap((table) => {
            const found: string[] = []
            const walker = document.createTreeWalker(table, NodeFilter.SHOW_TEXT)
            for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
              if (node.parentElement?.closest('code, thead, .hidden') !== null) continue
              for (const { 0: word, index } of (node.textContent ?? '').matchAll(/\S+/g)) {
                const range = document.createRange()
                range.setStart(node, index)
                range.setEnd(node, index + word.length)
                if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) {
                  found.push(word)
                }
              }
            }
            return found
          }),
        )
        expect(broken, look).toEqual([])
      }
    })

    it('does not move for those who ask for less motion', async () => {
      const durationOf = async (reducedMotion: 'reduce' | 'no-preference') => {
        await page.emulateMedia({ reducedMotion })
        await page.goto(`${server.origin}/consent`)
        return page.evaluate(() => {
          const button = document.querySelector('button')
          return button === null ? '' : getComputedStyle(button).transitionDuration
        })
      }
      expect(await durationOf('no-preference')).toContain('0.12s')
      expect(await durationOf('reduce')).toBe('0s')
    })
  },
)
