import { type IncomingMessage, request as send } from 'node:http'
import { type Host, startHost } from './listening.js'

/**
 * Starts a proxy that strips `/coda` from paths.
 *
 * @param forwards - `prefix`: only `/coda/*` arrives at the target, as with a path-routed ingress;
 *   `everything`: other paths arrive as they are.
 */
export async function startPrefixProxy(
  target: string,
  forwards: 'prefix' | 'everything',
): Promise<Host> {
  const proxy = await startHost()
  proxy.answer((incoming, outgoing) => {
    const path = stripPrefix(incoming, forwards)
    if (path === undefined) {
      outgoing.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>')
      return
    }
    const { method, headers } = incoming
    const upstream = send(new URL(path, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(outgoing)
    })
    upstream.on('error', () => outgoing.destroy())
    outgoing.on('close', () => upstream.destroy())
    incoming.pipe(upstream)
  })
  return proxy
}

function stripPrefix({ url = '/' }: IncomingMessage, forwards: string): string | undefined {
  if (url.startsWith('/coda/')) return url.slice('/coda'.length)
  return forwards === 'everything' ? url : undefined
}
