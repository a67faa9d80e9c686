import type { Exchange, Probe } from '../http/prober.js'
import { metadataRequest } from './requests.js'

/** A JSON object from outside. */
export type JsonObject = Readonly<Record<string, unknown>>

/** How a well-known path answered. */
export type DocumentState =
  | 'document'
  /** 2xx with something that is no JSON object: a page, for example. */
  | 'not-json'
  | 'redirect'
  /** 4xx: clients go on to the next place. */
  | 'absent'
  /** 5xx: SDK clients stop. */
  | 'broken'
  /** No answer at all. */
  | 'unreachable'

/** One place where metadata can be, and what is there. */
export interface MetadataProbe<Place extends string = string> {
  readonly place: Place
  readonly exchange: Exchange
  readonly state: DocumentState
  readonly document: JsonObject | undefined
  /** The redirect that the place answered with, when it did. */
  readonly redirect: Exchange | undefined
}

/** Whether a value is a JSON object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function stateOf({ answer }: Exchange): DocumentState {
  if (answer === undefined) return 'unreachable'
  const { status, json } = answer
  if (status >= 300 && status < 400) return 'redirect'
  if (status >= 200 && status < 300) return isJsonObject(json) ? 'document' : 'not-json'
  return status >= 500 ? 'broken' : 'absent'
}

const MAX_HOPS = 3

function isRedirect({ answer }: Exchange): boolean {
  return answer !== undefined && answer.status >= 300 && answer.status < 400
}

/** Follows redirects within the origin, as SDK clients do. */
async function follow(probe: Probe, first: Exchange): Promise<Exchange> {
  let exchange = first
  for (let hops = 0; hops < MAX_HOPS && isRedirect(exchange); hops++) {
    const location = exchange.answer?.headers.get('location') ?? ''
    if (!URL.canParse(location, exchange.url.href)) return exchange
    const next = new URL(location, exchange.url.href)
    if (next.origin !== first.url.origin) return exchange
    exchange = await probe(metadataRequest(next.href))
  }
  return exchange
}

/** Asks one place where metadata can be. */
export async function askMetadata<Place extends string>(
  probe: Probe,
  place: Place,
  url: string,
): Promise<MetadataProbe<Place>> {
  const first = await probe(metadataRequest(url))
  const exchange = await follow(probe, first)
  const state = stateOf(exchange)
  const json = exchange.answer?.json
  const document = state === 'document' && isJsonObject(json) ? json : undefined
  const redirect = isRedirect(first) ? first : undefined
  // A redirect that leads nowhere is told as what it is, not as what it led to.
  const isLost = redirect !== undefined && document === undefined
  return { place, exchange, state: isLost ? 'redirect' : state, document, redirect }
}

/** A member that is a text. */
export function textOf(document: JsonObject | undefined, name: string): string | undefined {
  const value = document?.[name]
  return typeof value === 'string' ? value : undefined
}

/** A member that is a list of texts; others in it are left out. `undefined` when it is no list. */
export function textsOf(
  document: JsonObject | undefined,
  name: string,
): readonly string[] | undefined {
  const value = document?.[name]
  if (!Array.isArray(value)) return undefined
  return value.filter((each): each is string => typeof each === 'string')
}

/** A member that is an absolute URL. */
export function urlOf(document: JsonObject | undefined, name: string): URL | undefined {
  const text = textOf(document, name)
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined
}
