import type { Exchange } from '../http/prober.js'
import { quote } from '../http/quote.js'
import { MODERN_PAGE_HEADERS, PAGE_HEADERS, PAGE_ORIGIN } from '../survey/requests.js'
import type { PageAccess } from '../survey/server-survey.js'
import type { Survey } from '../survey/survey.js'
import {
  type FindingInput,
  found,
  passed,
  received,
  receivedBody,
  skipped,
  type Verdict,
  verdictOf,
} from './verdict.js'

/** How Cloudflare Access stands before the server, if it does. */
export function accessState({
  anonymous,
}: Pick<Survey, 'anonymous'>): 'redirect' | 'refusal' | 'managed' | undefined {
  const { answer } = anonymous
  if (answer === undefined) return undefined
  const location = answer.headers.get('location') ?? ''
  if (/^https:\/\/[^/]+\.cloudflareaccess\.com\//.test(location)) return 'redirect'
  if (
    (answer.headers.get('www-authenticate') ?? '').includes('cloudflare-access-protected-resource')
  )
    return 'managed'
  return answer.headers.has('cf-access-error') ? 'refusal' : undefined
}

/** Why nothing of the server itself was seen, where something before it answers. */
export function foreignAnswer(survey: Pick<Survey, 'anonymous'>): Verdict | undefined {
  const state = accessState(survey)
  if (state === 'redirect' || state === 'refusal')
    return skipped('Cloudflare Access answers, see DR-30')
  return firewallState(survey) === undefined ? undefined : skipped('a firewall answers, see DR-26')
}

/** Whether the metadata that the challenge of Access names is there. */
export function hasAccessMetadata({ resource }: Pick<Survey, 'resource'>): boolean {
  return resource.probes.some(({ place, state }) => place === 'challenge' && state === 'document')
}

/** D30: Cloudflare Access does not stand in the way. */
export function checkAccess(survey: Survey): Verdict {
  const { anonymous } = survey
  const state = accessState(survey)
  if (state === undefined)
    return passed('Cloudflare Access does not answer in the place of the server')
  const base = {
    sent: anonymous,
    received: received(anonymous, 'location', 'www-authenticate', 'cf-access-error'),
  }
  if (state === 'managed' && !hasAccessMetadata(survey)) {
    return found({
      ...base,
      reason:
        'Cloudflare Access replaced the challenge of the server by its own, and the metadata that it names is not there',
      fix: 'finish Managed OAuth in the Access application, or switch it off and let the endpoint and the well-known paths by (Bypass)',
    })
  }
  if (state === 'managed') {
    return passed(
      'Cloudflare Access answers with a challenge of its own (Managed OAuth)',
      'allow the redirect URIs of your clients in the Access application; the metadata that is checked here is that of Cloudflare',
    )
  }
  return found({
    ...base,
    reason:
      state === 'redirect'
        ? 'Cloudflare Access sends clients to a page for people; MCP clients cannot sign in there'
        : 'Cloudflare Access refuses the request before the server sees it',
    fix: 'switch Managed OAuth on in the Access application and allow the redirect URIs of your clients, or let the endpoint and the well-known paths by (Bypass) and keep the guard of the server',
  })
}

function isFirewall({ answer }: Exchange): boolean {
  if (answer === undefined) return false
  if (answer.headers.get('cf-mitigated') !== null) return true
  if (answer.status !== 403 && answer.status !== 429 && answer.status !== 503) return false
  const isPage = (answer.headers.get('content-type') ?? '').startsWith('text/html')
  const server = answer.headers.get('server') ?? ''
  return isPage && /cloudflare|akamaighost|cloudfront|awselb|sucuri|imperva|incapsula/i.test(server)
}

/** The first request that a firewall answered, when that was the plain one. */
export function firewallState({ anonymous }: Pick<Survey, 'anonymous'>): Exchange | undefined {
  return isFirewall(anonymous) ? anonymous : undefined
}

const FIREWALL_FIX =
  'let the endpoint, the well-known paths and the authorization server by: in Cloudflare a WAF rule that skips "Block AI bots", Bot Fight Mode and managed challenges there; Claude calls from 160.79.104.0/21'

/** D26: no firewall in the way of clients that run at their vendors. */
export function checkFirewall(survey: Survey): Verdict {
  const { anonymous, agents } = survey
  const plain = anonymous.answer?.status
  const blocked = firewallState(survey)
  if (blocked !== undefined) {
    return found({
      sent: blocked,
      received: received(blocked, 'server', 'cf-mitigated'),
      reason: 'a firewall answers in the place of the server',
      fix: FIREWALL_FIX,
    })
  }
  const differing = agents.filter(
    ({ exchange }) =>
      // Many firewalls drop the connection in the place of an answer.
      exchange.answer === undefined ||
      (exchange.answer.status !== plain &&
        [400, 403, 406, 429, 503].includes(exchange.answer.status)),
  )
  const findings = differing.map(
    ({ name, exchange }): FindingInput => ({
      sent: exchange,
      received: exchange.answer === undefined ? received(exchange) : receivedBody(exchange),
      reason: `the same request is answered with ${plain} otherwise: a rule on the user agent keeps clients away that come ${name}`,
      fix: FIREWALL_FIX,
      clients: name === 'as ChatGPT-User' ? ['chatgpt'] : ['claude'],
    }),
  )
  const isCloudflare = anonymous.answer?.headers.has('cf-ray') === true
  const hint = isCloudflare
    ? [
        'Cloudflare stands in front. Rules on addresses cannot be seen from here: when the log shows a token being issued and no request to the endpoint after it, one of them is the cause (Claude calls from 160.79.104.0/21)',
      ]
    : []
  return verdictOf(
    findings,
    'requests with the names of vendors, and without a name, are answered like others',
    ...hint,
  )
}

function allows(list: string | null, name: string): boolean {
  const names = (list ?? '')
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
  return names.includes(name) || (names.includes('*') && name !== 'authorization')
}

function allowsOrigin(exchange: Exchange): boolean {
  const origin = exchange.answer?.headers.get('access-control-allow-origin')
  return origin === '*' || origin === PAGE_ORIGIN
}

const CORS_FIX = `answer the preflight without asking for a token, with Access-Control-Allow-Origin and Access-Control-Allow-Headers: ${PAGE_HEADERS.join(', ')}`

/** Headers that a client needs at each place. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'MCP endpoint': PAGE_HEADERS,
  'protected resource metadata': ['mcp-protocol-version'],
  'authorization server metadata': ['mcp-protocol-version'],
  registration_endpoint: ['content-type'],
  token_endpoint: [],
}

/** Whether a place was asked without a page too, and answered. */
function isAsked(name: string): boolean {
  return !name.endsWith('_endpoint')
}

function silence(exchange: Exchange): FindingInput {
  return {
    sent: exchange,
    received: received(exchange),
    reason: 'a page gets no answer, though the same place answers others',
    fix: CORS_FIX,
  }
}

function accessFindings({ name, preflight, answer }: PageAccess): readonly FindingInput[] {
  if (preflight.answer === undefined) return isAsked(name) ? [silence(preflight)] : []
  const { status, headers } = preflight.answer
  const base = { sent: preflight, fix: CORS_FIX }
  if (status < 200 || status > 299 || !allowsOrigin(preflight)) {
    return [
      {
        ...base,
        received: received(preflight, 'access-control-allow-origin'),
        reason:
          status === 401 || status === 403
            ? `the preflight of the ${name} is refused; browsers send it without a token, and then nothing else`
            : `a page may not ask the ${name}`,
      },
    ]
  }
  const allowed = headers.get('access-control-allow-headers')
  const missing = (NEEDED[name] ?? []).filter((header) => !allows(allowed, header))
  const modern =
    name === 'MCP endpoint' ? MODERN_PAGE_HEADERS.filter((header) => !allows(allowed, header)) : []
  const findings: FindingInput[] = []
  if (missing.length > 0) {
    findings.push({
      ...base,
      received: received(preflight, 'access-control-allow-headers'),
      reason: `a page may not send ${missing.join(', ')} to the ${name}`,
    })
  }
  if (modern.length > 0) {
    findings.push({
      ...base,
      level: 'warning',
      received: received(preflight, 'access-control-allow-headers'),
      reason: `clients of protocol revision 2026-07-28 also send ${modern.join(', ')}`,
      fix: `add ${modern.join(', ')} to Access-Control-Allow-Headers`,
    })
  }
  if (answer !== undefined && answer.answer === undefined) findings.push(silence(answer))
  if (answer?.answer !== undefined && answer.answer.status === 200 && !allowsOrigin(answer)) {
    findings.push({
      sent: answer,
      received: received(answer, 'access-control-allow-origin'),
      reason: `the preflight is fine, and then a page may not read the ${name}`,
      fix: 'send Access-Control-Allow-Origin with the answer too',
    })
  }
  return findings
}

/** D23: pages can read what they need. */
export function checkBrowsers(survey: Survey): Verdict {
  const { page, access, server } = survey
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  const places = [...access, ...(server?.access ?? [])]
  const findings = places.flatMap(accessFindings)
  const { answer } = page
  if (answer === undefined) {
    findings.push(silence(page))
  } else if (answer.status === 401) {
    const exposed = answer.headers.get('access-control-expose-headers')
    const hidden = ['www-authenticate', 'mcp-session-id'].filter((name) => !allows(exposed, name))
    const fix =
      'send Access-Control-Allow-Origin and Access-Control-Expose-Headers: WWW-Authenticate, Mcp-Session-Id with every answer, the 401 among them'
    if (!allowsOrigin(page)) {
      const reason = 'a page may not read the 401, and never finds the challenge'
      findings.push({
        sent: page,
        received: received(page, 'access-control-allow-origin'),
        reason,
        fix,
      })
    } else if (hidden.length > 0) {
      const reason = `a page does not see ${hidden.join(' and ')} of the answer`
      findings.push({
        // Only servers with sessions send an id.
        ...(hidden.includes('www-authenticate') ? {} : { level: 'warning' as const }),
        sent: page,
        received: received(page, 'access-control-expose-headers'),
        reason,
        fix,
      })
    }
  } else if (answer.status === 403 && survey.anonymous.answer?.status === 401) {
    findings.push({
      sent: page,
      received: receivedBody(page),
      reason: `the origin ${quote(PAGE_ORIGIN)} is refused`,
      fix: 'allow it where browser clients shall connect (allowedOrigins); for a server without them this is no fault',
      level: 'warning',
    })
  }
  const unseen = places.filter(({ preflight }) => preflight.answer === undefined)
  if (findings.length === 0 && unseen.length > 0)
    return skipped(`the ${unseen.map(({ name }) => name).join(' and the ')} did not answer`)
  return verdictOf(findings, 'preflights pass without a token, and pages see the challenge')
}
