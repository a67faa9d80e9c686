/** A browser as far as cookies, hidden fields and redirects go, for one server. */
export function createBrowser(origin) {
  const cookies = new Map()

  async function request(url, init = {}) {
    const target = new URL(url, origin)
    const sent = [...cookies.values()].filter(({ path }) => target.pathname.startsWith(path))
    const headers = new Headers(init.headers)
    if (sent.length > 0) headers.set('cookie', sent.map(({ pair }) => pair).join('; '))
    if (init.method === 'POST') headers.set('origin', origin)
    const response = await fetch(target, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(/; */)
      const path = attributes.find((text) => /^path=/i.test(text))?.slice(5) ?? '/'
      const [name] = pair.split('=', 1)
      if (/expires=Thu, 01 Jan 1970|max-age=0/i.test(line)) cookies.delete(`${name} ${path}`)
      else cookies.set(`${name} ${path}`, { pair, path })
    }
    return response
  }

  /** Follows redirects until a page or a URL elsewhere. */
  async function follow(response, from) {
    let [current, url] = [response, from]
    for (;;) {
      const html = await current.text()
      const refresh = /^0;url=(.*)$/.exec(current.headers.get('refresh') ?? '')?.[1]
      const next = current.headers.get('location') ?? refresh
      if (next === null || next === undefined) return { url, status: current.status, html }
      const target = new URL(next, url)
      if (target.origin !== origin) return { url: target.href, status: current.status, html }
      url = target.href
      current = await request(url)
    }
  }

  return {
    request,
    async open(url) {
      const target = new URL(url, origin).href
      return follow(await request(target), target)
    },
    /** Posts the form of a page whose action ends so. */
    async submit({ url, html }, action, fields = {}) {
      const forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)]
      const form = forms.find(([, tag]) => /action="([^"]*)"/.exec(tag)?.[1].endsWith(action))
      if (form === undefined) throw new Error(`no form ${action} on ${url}: ${html.slice(0, 500)}`)
      const body = new URLSearchParams()
      for (const [input] of form[2].matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)) {
        const value = /value="([^"]*)"/.exec(input)?.[1] ?? ''
        body.set(/name="([^"]*)"/.exec(input)?.[1] ?? '', value.replaceAll('&amp;', '&'))
      }
      for (const [name, value] of Object.entries(fields)) body.set(name, value)
      const target = new URL(/action="([^"]*)"/.exec(form[1])[1], url).href
      return follow(await request(target, { method: 'POST', body }), target)
    },
  }
}
