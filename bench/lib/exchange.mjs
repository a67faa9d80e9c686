/*
 * Requests and responses without a socket: as light as possible, with what each middleware really
 * touches. Header texts are made anew for each request, as the HTTP parser does, so that a cache has
 * to hash them again.
 */

const RESULT = { ok: true }

class Response {
  statusCode = 200
  headersSent = false
  destroyed = false
  fields = {}
  body = undefined

  constructor(onEnd) {
    this.onEnd = onEnd
  }

  setHeader(name, value) {
    this.fields[name.toLowerCase()] = value
    return this
  }

  appendHeader(name, value) {
    return this.setHeader(name, value)
  }

  getHeader(name) {
    return this.fields[name.toLowerCase()]
  }

  writeHead(status, headers) {
    this.statusCode = status
    this.headersSent = true
    this.head = headers
    return this
  }

  once() {
    return this
  }

  end(body) {
    this.body = body
    // Node.js calls it by itself when the handler did not.
    if (!this.headersSent) this.writeHead(this.statusCode)
    this.onEnd(this.statusCode)
    return this
  }

  // What Express adds, without its ETag and content negotiation.
  set(name, value) {
    return this.setHeader(name, value)
  }

  status(status) {
    this.statusCode = status
    return this
  }

  json(value) {
    this.setHeader('content-type', 'application/json')
    return this.end(JSON.stringify(value))
  }
}

function requestWith(authorization) {
  const headers = {
    host: 'mcp.example.com',
    'user-agent': 'claude-mcp-client/1.0',
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'content-length': '112',
    'mcp-protocol-version': '2025-11-25',
    'accept-encoding': 'gzip, deflate, br',
  }
  const rawHeaders = [
    'Host',
    headers.host,
    'User-Agent',
    headers['user-agent'],
    'Accept',
    headers.accept,
    'Content-Type',
    headers['content-type'],
    'Content-Length',
    headers['content-length'],
    'Mcp-Protocol-Version',
    headers['mcp-protocol-version'],
    'Accept-Encoding',
    headers['accept-encoding'],
  ]
  if (authorization !== undefined) {
    headers.authorization = authorization
    rawHeaders.push('Authorization', authorization)
  }
  return {
    method: 'POST',
    url: '/mcp',
    originalUrl: '/mcp',
    headers,
    rawHeaders,
    query: {},
    // What Express adds and express-oauth2-jwt-bearer asks for: the URL, and whether the body is a form.
    protocol: 'https',
    get: (name) => headers[name.toLowerCase()],
    is: () => false,
  }
}

/**
 * Returns a function that sends one request through a middleware to a handler that answers 200, and
 * resolves to the status.
 *
 * @param token - Bearer token, or `undefined` for a request without an `Authorization` field.
 */
export function createExchange(middleware, token) {
  const bytes = token === undefined ? undefined : Buffer.from(`Bearer ${token}`, 'latin1')
  return () =>
    new Promise((resolve) => {
      const response = new Response(resolve)
      const next = (error) => {
        if (error === undefined) {
          response.json(RESULT)
        } else {
          // express-oauth2-jwt-bearer leaves the answer to the error handler of Express.
          for (const [name, value] of Object.entries(error.headers ?? {})) response.set(name, value)
          response.status(error.status ?? 500).json({})
        }
      }
      middleware(requestWith(bytes?.latin1Slice()), response, next)
    })
}

/** Sends one request; shorthand for tokens that are used once. */
export function send(middleware, token) {
  return createExchange(middleware, token)()
}
