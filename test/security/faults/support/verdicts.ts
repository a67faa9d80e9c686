import type { Exchange } from './exchange.js'

/**
 * What is asked for, in the mix of every load:
 *
 * - `signed`: by a token that is verified by published keys and needs no database
 * - `issued`: the same by a token of our authorization server, which also asks the revocations
 * - `tool`: a tool call, which reads a credential from the store
 * - `refresh`: at the token endpoint
 * - `bad`: by a token that is not acceptable
 * - `none`: without a credential
 */
export type Kind = 'signed' | 'issued' | 'tool' | 'refresh' | 'bad' | 'none'

/** `right`, an outage that says so, or anything else. */
export type Verdict = 'right' | 'outage' | 'wrong'

const isOutage = ({ status, retryAfter, challenge, text }: Exchange): boolean =>
  (status === 503 && /^[1-9]\d*$/.test(retryAfter ?? '') && challenge === undefined) ||
  // A call that had passed the guard says it in its result.
  (status === 200 && text.includes('"code":"store_unavailable"'))

const RIGHT: Readonly<Record<Kind, (answer: Exchange) => boolean>> = {
  signed: ({ status, text }) => status === 200 && text.includes('"result":{}'),
  issued: ({ status, text }) => status === 200 && text.includes('"result":{}'),
  tool: ({ status, text }) =>
    status === 200 && text.includes('"structuredContent"') && !text.includes('"isError":true'),
  refresh: ({ status, text }) => status === 200 && text.includes('"refresh_token"'),
  bad: ({ status, challenge }) => status === 401 && /error="invalid_token"/.test(challenge ?? ''),
  none: ({ status, challenge }) => status === 401 && !/error=/.test(challenge ?? ''),
}

/** Judges an answer. */
export function verdictOf(kind: Kind, answer: Exchange): Verdict {
  if (RIGHT[kind](answer)) return 'right'
  return isOutage(answer) ? 'outage' : 'wrong'
}

/** Whether a good credential was called bad: what makes a client throw it away (R4). */
export function isBlamed(kind: Kind, { status, text }: Exchange): boolean {
  if (kind === 'bad' || kind === 'none') return false
  return status === 401 || status === 403 || status === 404 || text.includes('invalid_grant')
}

/** The value that a share of others does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
