import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { createPages } from '../../src/pages/create-pages.js'
import { findChromium, LOOKS, launchChromium, servePages } from './chromium.js'
import { renderStates } from './views.js'

const FOLDER = new URL('../../../../docs/images/', import.meta.url)
const NAMES: Readonly<Record<string, string>> = {
  'sign-in': 'sign-in',
  'sign-in-account': 'sign-in-account',
  connect: 'connect',
  'consent-loopback': 'consent',
  'denied-not_admitted': 'denied',
  'error-expired': 'error',
  done: 'done',
  account: 'account',
  'account-admin': 'admin',
}
const LOGO =
  '<svg viewBox="0 0 32 32" xmlns="http://www.w3.org/2000/svg"><rect width="32" height="32" rx="8" fill="#d9480f"/><path d="M21 12.5a6.5 6.5 0 1 0 0 7" fill="none" stroke="#ffffff" stroke-width="3" stroke-linecap="round"/></svg>'

const executablePath = findChromium()
const isWanted = process.env.SCREENSHOTS === '1' && executablePath !== undefined

/**
 * `SCREENSHOTS=1 npx vitest run packages/authorization-server/test/pages/screenshots.test.ts`, then
 * `pngquant --force --ext .png --quality 70-95 docs/images/*.png` to make them a third of the size.
 */
it.skipIf(!isWanted)(
  'writes an image of each page (with SCREENSHOTS=1)',
  { timeout: 180_000 },
  async () => {
    const pages = createPages({
      brand: { name: 'Coda MCP', logo: LOGO, supportUrl: 'https://help.example.com/' },
    })
    const states = renderStates(pages)
    const server = await servePages((path) => {
      const body = states[path.slice(1)]
      return body === undefined ? undefined : { body, headers: pages.headers }
    })
    const browser = await launchChromium(executablePath ?? '')
    const only = process.env.SCREENSHOT_STATES?.split(',')
    const folder = process.env.SCREENSHOT_FOLDER ?? fileURLToPath(FOLDER)
    await mkdir(folder, { recursive: true })
    const names = only === undefined ? Object.entries(NAMES) : only.map((state) => [state, state])
    try {
      for (const [look, options] of Object.entries(LOOKS)) {
        const context = await browser.newContext({ ...options, reducedMotion: 'reduce' })
        const page = await context.newPage()
        for (const [state, name] of names) {
          const response = await page.goto(`${server.origin}/${state}`)
          expect(response?.status()).toBe(200)
          await page.screenshot({ path: `${folder}/${name}-${look}.png`, fullPage: true })
        }
        await context.close()
      }
    } finally {
      await browser.close()
      await server.close()
    }
  },
)
