import { randomUUID } from 'node:crypto'
import {
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/server'
import { memberOf } from './member-of.js'

/** A page that a person has to visit before a call can work, and why. */
export interface ConnectRequest {
  readonly url: string
  /** One sentence, shown to the person before the page is opened. */
  readonly message: string
}

/** Name of the request in the answer of a client, which sends the call again with it. */
const requestName = 'connect'

/**
 * Begin of the session ids that this server gives out. It keeps no sessions: the id tells any replica,
 * with each call, that its client opens pages for people, which clients say only once, at `initialize`.
 */
const sessionPrefix = 'opens-urls.'

function opensUrls(capabilities: unknown): boolean {
  const mode = memberOf(memberOf(capabilities, 'elicitation'), 'url')
  return typeof mode === 'object' && mode !== null
}

/**
 * The session id for the client that sent an `initialize` message, or `undefined` when it gets none: it
 * cannot open pages, so that there is nothing to remember about it.
 */
export function sessionIdFor(message: unknown): string | undefined {
  if (memberOf(message, 'method') !== 'initialize') return undefined
  const capabilities = memberOf(memberOf(message, 'params'), 'capabilities')
  return opensUrls(capabilities) ? `${sessionPrefix}${randomUUID()}` : undefined
}

/**
 * Asks the client to open a page for the person, by elicitation in URL mode (MCP 2025-11-25).
 *
 * @returns what the tool has to answer with; `undefined` when the client cannot do it, or when the
 *   person has seen the page already and it changed nothing, so that words have to do.
 * @throws UrlElicitationRequiredError (`-32042`) towards clients of revisions before 2026-07-28.
 */
export function askToConnect(
  ctx: ServerContext,
  { url, message }: ConnectRequest,
): InputRequiredResult | undefined {
  const { envelope, inputResponses } = ctx.mcpReq
  if (envelope !== undefined) {
    if (!opensUrls(memberOf(envelope, CLIENT_CAPABILITIES_META_KEY))) return undefined
    // Whatever the person said: a client that is asked again and again never comes to an end.
    if (inputResponse(inputResponses, requestName).kind !== 'missing') return undefined
    return inputRequired({
      inputRequests: { [requestName]: inputRequired.elicitUrl({ url, message }) },
    })
  }
  const session = ctx.http?.req?.headers.get('mcp-session-id')
  if (session?.startsWith(sessionPrefix) !== true) return undefined
  const elicitation = { mode: 'url', elicitationId: randomUUID(), url, message } as const
  throw new UrlElicitationRequiredError([elicitation], message)
}
