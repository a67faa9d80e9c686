import { AssertionError } from 'node:assert'
import { originAudience } from './issuer/claim-faults.js'
import type { JsonMembers } from './issuer/compact-jws.js'
import type { TestIssuer } from './test-issuer.js'
import { FAULT_STATUS, TOKEN_FAULTS, type TokenFault } from './token-faults.js'

/** Options of {@link assertRefusesFaultyTokens}. */
export interface AssertRefusesFaultyTokensOptions {
  /** Sends the requests. Default the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Faults that this server is meant to accept. Default none. */
  readonly except?: readonly TokenFault[] | undefined
  /**
   * Audience of right tokens. Default the `audience` of the issuer, else the `resource` of the
   * document that the server's own challenge names.
   */
  readonly audience?: string | undefined
}

const DEADLINE_MS = 10_000

interface Answer {
  readonly status: number
  readonly challenge: string
}

/** Reads one quoted parameter of a Bearer challenge. */
function challengeParameter(challenge: string, name: string): string | undefined {
  return new RegExp(`(?:^Bearer |, ?)${name}="([^"]*)"`, 'i').exec(challenge)?.[1]
}

async function call(
  fetchImpl: typeof globalThis.fetch,
  url: string,
  token?: string,
): Promise<Answer> {
  const response = await fetchImpl(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    redirect: 'manual',
    signal: AbortSignal.timeout(DEADLINE_MS),
  })
  // A stream would keep the connection, and with it the server under test, open.
  await response.body?.cancel()
  return { status: response.status, challenge: response.headers.get('www-authenticate') ?? '' }
}

async function readResource(
  fetchImpl: typeof globalThis.fetch,
  metadataUrl: string | undefined,
): Promise<string | undefined> {
  if (metadataUrl === undefined || !URL.canParse(metadataUrl)) return undefined
  try {
    const response = await fetchImpl(metadataUrl, { signal: AbortSignal.timeout(DEADLINE_MS) })
    const resource: unknown = Reflect.get(Object(await response.json()), 'resource')
    return typeof resource === 'string' ? resource : undefined
  } catch {
    // The address can be a public one that this machine does not serve; the caller says so.
    return undefined
  }
}

/** Faults that are none for this server: its audience has no path, or it requires no scope. */
function isFault(fault: TokenFault, audience: string, requiredScope: string | undefined): boolean {
  if (fault === 'origin-audience') return originAudience(audience) !== undefined
  return fault !== 'insufficient-scope' || requiredScope !== undefined
}

function findBareProblems({ status, challenge }: Answer): readonly string[] {
  if (status !== 401) return [`no token: answered ${status}, expected 401`]
  return challengeParameter(challenge, 'resource_metadata') === undefined
    ? ['no token: the challenge names no resource_metadata']
    : []
}

function fail(problems: readonly string[]): never {
  throw new AssertionError({
    message: `the server is not protected as it should be\n${problems.map((each) => `  ${each}`).join('\n')}`,
  })
}

/**
 * Sends every faulty token of {@link TOKEN_FAULTS} to a server, and checks that each is refused with
 * the right status.
 *
 * Checked as well: a request without a token gets 401 and a `resource_metadata` challenge, a right
 * token passes, and no key is fetched from where a token says. The requests are MCP `ping` messages.
 * Not checked: bodies, and what the handler did.
 *
 * @example
 * ```ts
 * const issuer = createTestIssuer()
 * await issuer.listen()
 * // … start your server, configured to trust issuer.issuer, and then:
 * await assertRefusesFaultyTokens('http://127.0.0.1:8080/mcp', issuer)
 * await issuer.close()
 * ```
 *
 * @throws AssertionError that lists every token that was accepted or answered with another status.
 * @see RFC 6750 section 3.1, RFC 9728 section 5.1
 */
export async function assertRefusesFaultyTokens(
  url: string | URL,
  issuer: TestIssuer,
  options: AssertRefusesFaultyTokensOptions = {},
): Promise<void> {
  const { fetch: fetchImpl = globalThis.fetch, except = [] } = options
  const target = String(url)
  const bare = await call(fetchImpl, target)
  const problems = [...findBareProblems(bare)]

  const requiredScope = challengeParameter(bare.challenge, 'scope')
  const audience =
    options.audience ??
    issuer.audience[0] ??
    (await readResource(fetchImpl, challengeParameter(bare.challenge, 'resource_metadata')))
  if (audience === undefined) {
    fail([...problems, 'the audience is not known: pass `audience`, or publish resource metadata'])
  }
  const claims: JsonMembers = {
    aud: audience,
    ...(requiredScope !== undefined && { scope: requiredScope }),
  }

  // Without this, a server that refuses everything would pass.
  const good = await call(fetchImpl, target, await issuer.token(claims))
  if (good.status === 401 || good.status === 403 || good.status >= 500) {
    problems.push(`right token: answered ${good.status}, expected to be accepted`)
  }
  const strangersAsked = issuer.requests('foreign-jwks')
  for (const { name, outcome } of TOKEN_FAULTS) {
    if (except.includes(name) || !isFault(name, audience, requiredScope)) continue
    const expected = FAULT_STATUS[outcome]
    const { status } = await call(fetchImpl, target, await issuer.faulty(name, claims))
    if (status !== expected) problems.push(`${name}: answered ${status}, expected ${expected}`)
  }
  if (issuer.requests('foreign-jwks') > strangersAsked) {
    problems.push('remote-jku: the server fetched keys from the address in the token')
  }
  if (problems.length > 0) fail(problems)
}
