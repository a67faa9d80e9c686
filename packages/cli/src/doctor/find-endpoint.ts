import type { Exchange, Probe } from './http/prober.js'
import { textOf } from './survey/metadata-document.js'
import { initializeRequest } from './survey/requests.js'
import { challengeOf } from './survey/survey.js'

/** The endpoint to check, and how it answered without a token. */
export interface Endpoint {
  readonly target: URL
  readonly anonymous: Exchange
}

/** Paths that endpoints have when nobody says otherwise. */
const USUAL_PATHS = ['/mcp', '/sse', '/api/mcp']

function isEndpoint(exchange: Exchange): boolean {
  return exchange.answer?.status === 401 && challengeOf(exchange)?.hasBearer === true
}

/** Asks the endpoint for its first answer. */
export async function askEndpoint(probe: Probe, target: URL): Promise<Endpoint> {
  return { target, anonymous: await probe(initializeRequest(target, 'no token')) }
}

/** The path of the resource that the origin describes, when it is another than the root. */
async function describedEndpoint(probe: Probe, { origin }: URL): Promise<URL | undefined> {
  const url = `${origin}/.well-known/oauth-protected-resource`
  const { answer } = await probe({ url, headers: { accept: 'application/json' } })
  const json = answer?.status === 200 ? answer.json : undefined
  const document = typeof json === 'object' && json !== null ? { ...json } : undefined
  const text = textOf(document, 'resource')
  if (text === undefined || !URL.canParse(text)) return undefined
  const resource = new URL(text)
  return resource.origin === origin && resource.pathname !== '/' ? resource : undefined
}

function statusOf({ anonymous }: Endpoint): number | undefined {
  return anonymous.answer?.status
}

/** Whether something answers there that is not what answers everywhere: no page, and not as the given one. */
function isSomething(asked: Endpoint, given: Endpoint): boolean {
  const { answer } = asked.anonymous
  if (answer === undefined || answer.status === 404) return false
  const isPage = (answer.headers.get('content-type') ?? '').startsWith('text/html')
  return !isPage && answer.status !== statusOf(given)
}

/** The same URL without the slash at the end of its path. */
function withoutSlash(target: URL): URL {
  const url = new URL(target)
  while (url.pathname.length > 1 && url.pathname.endsWith('/'))
    url.pathname = url.pathname.slice(0, -1)
  return url
}

/**
 * Finds the endpoint of a server whose URL was given without its path, or with a slash too many. Where
 * none is in order, what answers at the described or a usual path is taken for a broken one.
 *
 * @returns the given one when it is an endpoint itself, or none is found.
 */
export async function findEndpoint(probe: Probe, given: Endpoint): Promise<Endpoint> {
  const { target, anonymous } = given
  if (isEndpoint(anonymous)) return given
  if (target.pathname !== '/') {
    if (!target.pathname.endsWith('/') || statusOf(given) !== 404) return given
    const asked = await askEndpoint(probe, withoutSlash(target))
    return isEndpoint(asked.anonymous) || isSomething(asked, given) ? asked : given
  }
  const described = await describedEndpoint(probe, target)
  const candidates = [
    ...(described === undefined ? [] : [described]),
    ...USUAL_PATHS.map((path) => new URL(path, target.origin)),
  ]
  const asked = await Promise.all(candidates.map((each) => askEndpoint(probe, each)))
  return (
    asked.find((each) => isEndpoint(each.anonymous)) ??
    asked.find((each) => isSomething(each, given)) ??
    given
  )
}
