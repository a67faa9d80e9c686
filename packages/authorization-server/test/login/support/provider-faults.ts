import type { ServerResponse } from 'node:http'

/** How an endpoint fails instead of answering. */
export type HttpFault = 'hang' | ((response: ServerResponse) => void)

/** What a provider does wrong. */
export interface ProviderFaults {
  /** By endpoint: `metadata`, `jwks`, `token`, `userinfo`. */
  readonly http?: Readonly<Record<string, HttpFault>>
  /** Replaces claims of the ID token; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Replaces times of the ID token, in seconds from now. */
  readonly times?: Readonly<Record<string, number>>
  /** Replaces members of the ID token's header. */
  readonly header?: Readonly<Record<string, unknown>>
  /** How the ID token is signed. Default: with the published key. */
  readonly signature?: 'none' | 'hs256-client-secret' | 'other-key' | 'flipped'
}

export const HTTP_FAULTS: Readonly<Record<string, HttpFault>> = {
  'status 500': (response) => {
    response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"canary-500"}')
  },
  'status 429': (response) => {
    response.writeHead(429, { 'content-type': 'application/json' }).end('{"error":"slow_down"}')
  },
  'a reset': (response) => {
    response.destroy()
  },
  'an HTML page': (response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>canary-page</html>')
  },
  'a redirect': (response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()
  },
  'a JSON array': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('[]')
  },
  'a huge body': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"x":"${'x'.repeat(600 * 1024)}"}`)
  },
  'a body that never ends': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const write = () => {
      while (!response.destroyed && response.write('"'.repeat(64 * 1024)));
      if (!response.destroyed) response.once('drain', write)
    }
    write()
  },
  'a hang': 'hang',
}
