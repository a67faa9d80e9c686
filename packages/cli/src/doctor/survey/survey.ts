import { isLoopback } from '../http/addresses.js'
import type { Exchange, Probe } from '../http/prober.js'
import { type BearerChallenge, parseBearerChallenge } from './bearer-challenge.js'
import {
  initializeRequest,
  MADE_UP_TOKEN,
  metadataRequest,
  PAGE_ORIGIN,
  preflightRequest,
  SPOOFED_HOST,
} from './requests.js'
import { type ResourceSurvey, surveyResource } from './resource-survey.js'
import { issuersOf, type PageAccess, type ServerSurvey, surveyServer } from './server-survey.js'

/** A request under the name of somebody whom firewalls know. */
export interface AgentProbe {
  /** As in `without a user agent`. */
  readonly name: string
  readonly exchange: Exchange
}

/** Everything that was seen from outside without signing in. */
export interface Survey {
  readonly target: URL
  /** Whether the server is on this machine, where http and other hosts of it are fine. */
  readonly isLocal: boolean
  /** `initialize` without a token. */
  readonly anonymous: Exchange
  readonly challenge: BearerChallenge | undefined
  readonly get: Exchange
  readonly head: Exchange
  /** `initialize` with a token that nobody issued. */
  readonly madeUp: Exchange
  /** `initialize` with a foreign `X-Forwarded-Host`. */
  readonly spoofed: Exchange
  /** `initialize` from a page. */
  readonly page: Exchange
  /** Preflights of the endpoint and of the documents that the server has. */
  readonly access: readonly PageAccess[]
  readonly agents: readonly AgentProbe[]
  readonly resource: ResourceSurvey
  /** Absent when the resource names no authorization server. */
  readonly server: ServerSurvey | undefined
}

/** Reads the challenge of an answer. */
export function challengeOf({ answer }: Exchange): BearerChallenge | undefined {
  const header = answer?.headers.get('www-authenticate')
  return header == null ? undefined : parseBearerChallenge(header)
}

const AGENTS = [
  ['without a user agent', ''],
  ['as Claude-User', 'Claude-User'],
  ['as ChatGPT-User', 'ChatGPT-User'],
] as const

async function surveyAgents(probe: Probe, target: URL): Promise<readonly AgentProbe[]> {
  return Promise.all(
    AGENTS.map(async ([name, agent]) => {
      const request = initializeRequest(target, `no token, ${name}`, { 'user-agent': agent })
      return { name, exchange: await probe(request) }
    }),
  )
}

async function surveyAccess(
  probe: Probe,
  target: URL,
  metadataUrl: string | undefined,
): Promise<readonly PageAccess[]> {
  const endpoint = probe(preflightRequest(target.href, 'POST'))
  if (metadataUrl === undefined) {
    const name = 'MCP endpoint'
    return [{ name, method: 'POST', preflight: await endpoint, answer: undefined }]
  }
  const [preflight, metadata, answer] = await Promise.all([
    endpoint,
    probe(preflightRequest(metadataUrl, 'GET')),
    probe(metadataRequest(metadataUrl, { origin: PAGE_ORIGIN }, `from ${PAGE_ORIGIN}`)),
  ])
  return [
    { name: 'MCP endpoint', method: 'POST', preflight, answer: undefined },
    { name: 'protected resource metadata', method: 'GET', preflight: metadata, answer },
  ]
}

/**
 * Looks at a server from outside, as clients find their way through it. `anonymous` is the answer that
 * showed that the server can be reached.
 */
export async function surveyTarget(
  probe: Probe,
  target: URL,
  anonymous: Exchange,
): Promise<Survey> {
  const challenge = challengeOf(anonymous)
  const spoof = { 'x-forwarded-host': SPOOFED_HOST }
  const bearer = { authorization: `Bearer ${MADE_UP_TOKEN}` }
  const accept = { accept: 'text/event-stream' }
  const [get, head, madeUp, spoofed, page, agents, resource] = await Promise.all([
    probe({ url: target.href, headers: accept, about: 'no token' }),
    probe({ method: 'HEAD', url: target.href, headers: accept, about: 'no token' }),
    probe(initializeRequest(target, 'a token that nobody issued', bearer)),
    probe(initializeRequest(target, `no token, with X-Forwarded-Host: ${SPOOFED_HOST}`, spoof)),
    probe(initializeRequest(target, `no token, from ${PAGE_ORIGIN}`, { origin: PAGE_ORIGIN })),
    surveyAgents(probe, target),
    surveyResource(probe, target, challenge),
  ])
  const [issuer] = issuersOf(resource.document)
  const [access, server] = await Promise.all([
    surveyAccess(probe, target, resource.chosen?.exchange.url.href),
    issuer === undefined ? undefined : surveyServer(probe, target, issuer),
  ])
  return {
    target,
    isLocal: isLoopback(target.hostname),
    anonymous,
    challenge,
    get,
    head,
    madeUp,
    spoofed,
    page,
    access,
    agents,
    resource,
    server,
  }
}
