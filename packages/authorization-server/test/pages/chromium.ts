import { accessSync, constants } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Finds a Chromium: `CHROMIUM_PATH`, else one in `PATH`. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH, PATH = '' } = process.env
  if (CHROMIUM_PATH !== undefined && CHROMIUM_PATH !== '') return CHROMIUM_PATH
  return PATH.split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find(isExecutable)
}

/** Why the browser tests do not run, when they do not. */
export const NO_CHROMIUM = 'no Chromium: set CHROMIUM_PATH or run .ci/install-chromium'

/** Starts the Chromium of this machine. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--disable-gpu', '--disable-dev-shm-usage'] })
}

/** How a page is looked at. */
export const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 900, height: 640 } },
  dark: { colorScheme: 'dark', viewport: { width: 900, height: 640 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
} as const

/** One answer of a {@link PageServer}. */
export interface PageAnswer {
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A server on loopback that keeps what it was asked. */
export interface PageServer {
  readonly origin: string
  readonly requests: { readonly method: string; readonly path: string; readonly body: string }[]
  close(): Promise<void>
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Serves answers by path; a path without one is 404. */
export async function servePages(
  answer: (path: string, method: string) => PageAnswer | undefined,
): Promise<PageServer> {
  const requests: { method: string; path: string; body: string }[] = []
  const server: Server = createServer(async (request, response) => {
    const { method = '', url: path = '' } = request
    requests.push({ method, path, body: await readBody(request) })
    const found = answer(path, method)
    response.writeHead(found === undefined ? 404 : 200, found?.headers).end(found?.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
