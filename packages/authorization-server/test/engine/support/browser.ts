/** A browser as far as forms, cookies and redirects go. */
export interface Browser {
  /** Follows redirects and `Refresh` until a page that asks, or a URL of somebody else. */
  open(url: string): Promise<Page>
  request(url: string, init?: RequestInit): Promise<Response>
  readonly cookies: Map<string, { value: string; path: string }>
}

export interface Page {
  readonly url: string
  readonly status: number
  readonly html: string
  readonly headers: Headers
  /** Target of a redirect away from the server. */
  readonly location: URL | undefined
  /** Posts the form whose action ends so, with further fields. */
  submit(action: string, fields?: Readonly<Record<string, string>>): Promise<Page>
}

function decode(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

function readForms(html: string): { action: string; fields: Record<string, string> }[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, tag = '', body = '']) => {
    const fields: Record<string, string> = {}
    for (const [input] of body.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1]
      if (name !== undefined) fields[name] = decode(/value="([^"]*)"/.exec(input)?.[1] ?? '')
    }
    return { action: decode(/action="([^"]*)"/.exec(tag)?.[1] ?? ''), fields }
  })
}

export function createBrowser(origin: string): Browser {
  const cookies = new Map<string, { value: string; path: string }>()

  const request = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const target = new URL(url, origin)
    const headers = new Headers(init.headers)
    const sent = [...cookies]
      .filter(([, { path }]) => target.pathname.startsWith(path))
      .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
    if (sent.length > 0) headers.set('cookie', sent.join('; '))
    const response = await fetch(target, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';')
      const [name = '', value = ''] = pair.split('=')
      const path = attributes.map((each) => each.trim()).find((each) => /^path=/i.test(each))
      const key = `${name} ${path?.slice(5) ?? '/'}`
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(key)
      else cookies.set(key, { value, path: path?.slice(5) ?? '/' })
    }
    return response
  }

  const follow = async (first: Response, start: string): Promise<Page> => {
    let response = first
    let url = start
    for (let hops = 0; hops < 12; hops += 1) {
      const refresh = /^0;url=(.*)$/.exec(response.headers.get('refresh') ?? '')?.[1]
      const next = response.headers.get('location') ?? refresh
      const html = await response.text()
      const target = next === null || next === undefined ? undefined : new URL(next, url)
      if (target === undefined || target.origin !== origin) {
        const at = url
        const page: Page = {
          url: at,
          status: response.status,
          html,
          headers: response.headers,
          location: target,
          async submit(action, fields = {}) {
            const form = readForms(html).find((each) => each.action.endsWith(action))
            if (form === undefined)
              throw new Error(`no form ${action} on ${at}: ${html.slice(0, 2000)}`)
            const to = new URL(form.action, at).href
            const posted = await request(to, {
              method: 'POST',
              headers: { origin, 'sec-fetch-site': 'same-origin' },
              body: new URLSearchParams({ ...form.fields, ...fields }),
            })
            return follow(posted, to)
          },
        }
        return page
      }
      url = target.href
      response = await request(url)
    }
    throw new Error(`too many redirects, last ${url}`)
  }

  return {
    cookies,
    request,
    open: async (url) => follow(await request(url), new URL(url, origin).href),
  }
}
