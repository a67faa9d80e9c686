import type { Browser, BrowserContext, Page } from 'playwright-core'

/** A page of a fresh browser, and what it has done so far. */
export interface WatchedPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Origins of all requests, in the order of their first one. */
  readonly origins: () => readonly string[]
  /** URLs of other schemes that the browser went to, as apps take them. */
  readonly appUrls: URL[]
  /** Console output and violated policies. */
  readonly complaints: string[]
}

/** Opens a page without cookies of earlier ones. */
export async function watchPage(
  browser: Browser,
  options: { readonly javaScriptEnabled?: boolean } = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
  const page = await context.newPage()
  const origins = new Set<string>()
  const appUrls: URL[] = []
  const complaints: string[] = []
  context.on('request', (request) => {
    const url = new URL(request.url())
    if (/^https?:$/.test(url.protocol)) origins.add(url.origin)
    else if (url.protocol !== 'data:') appUrls.push(url)
  })
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  if (options.javaScriptEnabled !== false) {
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`)
      })
    })
  }
  return { page, context, origins: () => [...origins], appUrls, complaints }
}
