import type { Exchange, Probe, ProbeRequest } from '../http/prober.js'

/** A browser as far as redirects, cookies and forms of one origin go. */
export interface Browser {
  /** Sends a request with the cookies of this origin. */
  request(request: ProbeRequest): Promise<Exchange>
}

/** Creates a browser without any cookies. It never sends a request to another origin. */
export function createBrowser(probe: Probe, origin: string): Browser {
  const cookies = new Map<string, { readonly pair: string; readonly path: string }>()

  function store(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((each) => each.trim())
    const path = attributes.find((each) => /^path=/i.test(each))?.slice(5) ?? '/'
    const [name = ''] = pair.split('=', 1)
    const isOver = pair === `${name}=` || attributes.some((each) => /^max-age=0$|1970/i.test(each))
    const key = `${name} ${path}`
    if (isOver) cookies.delete(key)
    else cookies.set(key, { pair, path })
  }

  return {
    async request(request) {
      const url = new URL(request.url)
      if (url.origin !== origin) throw new TypeError('a browser of one origin was sent to another')
      const sent = [...cookies.values()].filter(({ path }) => url.pathname.startsWith(path))
      const cookie = sent.map(({ pair }) => pair).join('; ')
      const headers = { ...request.headers, ...(cookie === '' ? {} : { cookie }) }
      const exchange = await probe({ ...request, headers, isFresh: true })
      for (const line of exchange.answer?.headers.getSetCookie() ?? []) store(line)
      return exchange
    },
  }
}
