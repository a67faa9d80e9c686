import type { Exchange, Probe } from '../http/prober.js'
import type { BearerChallenge } from './bearer-challenge.js'
import { askMetadata, type JsonObject, type MetadataProbe } from './metadata-document.js'
import { metadataRequest, SPOOFED_HOST } from './requests.js'

/** Where the protected resource metadata can be. */
export type ResourcePlace = 'challenge' | 'path' | 'root'

/** What the well-known paths of the MCP server answered. */
export interface ResourceSurvey {
  /** `challenge` is missing when the challenge names none that can be asked. */
  readonly probes: readonly MetadataProbe<ResourcePlace>[]
  /** The document that clients use: the first of challenge, path and root that is one. */
  readonly chosen: MetadataProbe<ResourcePlace> | undefined
  readonly document: JsonObject | undefined
  /** A well-known path of the kind that clients probe, which no server has. */
  readonly unknown: Exchange
  /** Where clients of 2025-03-26 look for the authorization server. */
  readonly legacy: MetadataProbe<'legacy'>
  /** The path-inserted place, asked with a foreign `X-Forwarded-Host`. */
  readonly spoofed: Exchange
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** The path-inserted place of RFC 9728 section 3.1. For a server at the root it is the root place. */
export function pathMetadataUrl(target: URL): string {
  const path = target.pathname.replace(/\/$/, '')
  const url = new URL(target.origin)
  url.pathname = `${WELL_KNOWN}${path}`
  url.search = target.search
  return url.href
}

/** The URL that the challenge names, when clients can trust it. */
function challengeUrl(target: URL, challenge: BearerChallenge | undefined): string | undefined {
  const text = challenge?.resourceMetadata
  if (text === undefined || !URL.canParse(text)) return undefined
  const url = new URL(text)
  // One of another origin is reported as such, whatever is there.
  return url.origin === target.origin ? url.href : undefined
}

/** Asks every place where protected resource metadata can be. */
export async function surveyResource(
  probe: Probe,
  target: URL,
  challenge: BearerChallenge | undefined,
): Promise<ResourceSurvey> {
  const at = (path: string): string => new URL(path, target.origin).href
  const named = challengeUrl(target, challenge)
  const places: readonly (readonly [ResourcePlace, string])[] = [
    ...(named === undefined ? [] : [['challenge', named] as const]),
    ['path', pathMetadataUrl(target)],
    ['root', at(WELL_KNOWN)],
  ]
  const spoof = { 'x-forwarded-host': SPOOFED_HOST }
  const about = `with X-Forwarded-Host: ${SPOOFED_HOST}`
  const [probes, unknown, legacy, spoofed] = await Promise.all([
    Promise.all(places.map(([place, url]) => askMetadata(probe, place, url))),
    probe(metadataRequest(at('/.well-known/openid-configuration/mcp-auth-doctor-probe'))),
    askMetadata(probe, 'legacy' as const, at('/.well-known/oauth-authorization-server')),
    probe(metadataRequest(pathMetadataUrl(target), spoof, about)),
  ])
  const chosen = probes.find(({ state }) => state === 'document')
  return {
    probes,
    chosen,
    document: chosen?.document,
    unknown,
    legacy,
    spoofed,
  }
}
