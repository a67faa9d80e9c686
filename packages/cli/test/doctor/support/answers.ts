/** An answer of a server that is not there. */
export interface FakeAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** A request as a test sees it. */
export interface FakeRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly body: string
}

/** Creates a `fetch` over a function. What it throws is thrown. */
export function fakeFetch(answer: (request: FakeRequest) => FakeAnswer): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const { method, headers } = request
    const url = new URL(request.url)
    const answered = answer({ method, url, headers, body: await request.text() })
    const { status = 200, headers: fields = {}, body } = answered
    const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
    const isEmpty = method === 'HEAD' || status === 204
    return new Response(isEmpty ? null : (text ?? ''), { status, headers: fields })
  }
}

/** What `fetch` throws when the network fails. */
export function networkError(code: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })
}
