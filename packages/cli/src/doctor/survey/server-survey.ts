import { isBuiltFromRequest, mayAsk } from '../http/addresses.js'
import type { Exchange, Probe } from '../http/prober.js'
import {
  askMetadata,
  type JsonObject,
  type MetadataProbe,
  textsOf,
  urlOf,
} from './metadata-document.js'
import { metadataRequest, PAGE_ORIGIN, preflightRequest, SPOOFED_HOST } from './requests.js'

/** The three ways to build the address of authorization server metadata. */
export type ServerPlace = 'oauth' | 'openid-inserted' | 'openid-appended'

/** What a browser may do with one endpoint. */
export interface PageAccess {
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly preflight: Exchange
  /** A GET from a page; only of metadata. */
  readonly answer: Exchange | undefined
}

/** What the authorization server answered. */
export interface ServerSurvey {
  /** First entry of `authorization_servers`, as it is written. */
  readonly issuer: string
  /** Absent when it is no URL that can be asked. */
  readonly url: URL | undefined
  readonly hasPath: boolean
  readonly probes: readonly MetadataProbe<ServerPlace>[]
  readonly chosen: MetadataProbe<ServerPlace> | undefined
  readonly document: JsonObject | undefined
  readonly access: readonly PageAccess[]
  readonly spoofed: Exchange | undefined
}

const OAUTH = '/.well-known/oauth-authorization-server'
const OPENID = '/.well-known/openid-configuration'

/** Every entry of `authorization_servers` that is a text. */
export function issuersOf(document: JsonObject | undefined): readonly string[] {
  return textsOf(document, 'authorization_servers') ?? []
}

/** Addresses of the metadata of an issuer, in the order of SDK clients. */
export function serverMetadataUrls(issuer: URL): readonly (readonly [ServerPlace, string])[] {
  const path = issuer.pathname.replace(/\/$/, '')
  // Never resolved against the origin: a path that begins with `//` would be another host.
  const at = (rest: string): string => {
    const url = new URL(issuer.origin)
    url.pathname = rest
    return url.href
  }
  if (path === '') {
    return [
      ['oauth', at(OAUTH)],
      ['openid-appended', at(OPENID)],
    ]
  }
  return [
    ['oauth', at(`${OAUTH}${path}`)],
    ['openid-inserted', at(`${OPENID}${path}`)],
    ['openid-appended', at(`${path}${OPENID}`)],
  ]
}

async function askAccess(
  probe: Probe,
  name: string,
  url: string,
  method: 'GET' | 'POST',
): Promise<PageAccess> {
  const [preflight, answer] = await Promise.all([
    probe(preflightRequest(url, method)),
    method === 'GET'
      ? probe(metadataRequest(url, { origin: PAGE_ORIGIN }, `from ${PAGE_ORIGIN}`))
      : undefined,
  ])
  return { name, method, preflight, answer }
}

function endpointsOf(
  document: JsonObject | undefined,
  target: URL,
): readonly { readonly name: string; readonly url: string }[] {
  return ['registration_endpoint', 'token_endpoint'].flatMap((name) => {
    const url = urlOf(document, name)
    return url !== undefined && mayAsk(url, target) && !isBuiltFromRequest(url, target)
      ? [{ name, url: url.href }]
      : []
  })
}

/** Asks the first authorization server that the resource names, as clients do. */
export async function surveyServer(
  probe: Probe,
  target: URL,
  issuer: string,
): Promise<ServerSurvey> {
  const parsed = URL.canParse(issuer) ? new URL(issuer) : undefined
  const isAsked =
    parsed !== undefined && mayAsk(parsed, target) && !isBuiltFromRequest(parsed, target)
  const url = isAsked ? parsed : undefined
  if (url === undefined) {
    const nothing = { probes: [], chosen: undefined, document: undefined, access: [] }
    return { issuer, url, hasPath: false, ...nothing, spoofed: undefined }
  }
  const probes = await Promise.all(
    serverMetadataUrls(url).map(([place, address]) => askMetadata(probe, place, address)),
  )
  const chosen = probes.find(({ state }) => state === 'document')
  const metadataUrl = chosen?.exchange.url.href
  const endpoints = endpointsOf(chosen?.document, target)
  const about = `with X-Forwarded-Host: ${SPOOFED_HOST}`
  const spoof = { 'x-forwarded-host': SPOOFED_HOST }
  // A provider on another host is not the operator's, and is not to be tried.
  const isOwn = url.origin === target.origin
  const [metadataAccess, endpointAccess, spoofed] = await Promise.all([
    metadataUrl === undefined
      ? []
      : [await askAccess(probe, 'authorization server metadata', metadataUrl, 'GET')],
    Promise.all(endpoints.map(({ name, url: each }) => askAccess(probe, name, each, 'POST'))),
    metadataUrl !== undefined && isOwn
      ? probe(metadataRequest(metadataUrl, spoof, about))
      : undefined,
  ])
  return {
    issuer,
    url,
    hasPath: url.pathname.replace(/\/$/, '') !== '',
    probes,
    chosen,
    document: chosen?.document,
    access: [...metadataAccess, ...endpointAccess],
    spoofed,
  }
}
