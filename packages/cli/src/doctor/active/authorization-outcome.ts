import type { Exchange } from '../http/prober.js'
import { quote, showUrl } from '../http/quote.js'

/** Where an authorization request led. */
export type AuthorizationOutcome =
  /** Back to the redirect URI, with a code or an error. */
  | { readonly kind: 'back'; readonly exchange: Exchange; readonly parameters: URLSearchParams }
  /** To a page that asks: a sign-in or a consent. */
  | { readonly kind: 'page'; readonly exchange: Exchange }
  /** To a sign-in at another host. */
  | { readonly kind: 'elsewhere'; readonly exchange: Exchange }
  /** To a page that says no. */
  | { readonly kind: 'refused'; readonly exchange: Exchange }
  /** Nowhere: an outage, a limit, or no answer. It says nothing about the request. */
  | { readonly kind: 'unavailable'; readonly exchange: Exchange }

/** Errors that say that a person is missing, and nothing else. */
const WITHOUT_A_PERSON: ReadonlySet<string> = new Set([
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
])

/** Whether the authorization server took the request: it only lacks the person. */
export function isAccepted(outcome: AuthorizationOutcome): boolean {
  if (outcome.kind === 'page' || outcome.kind === 'elsewhere') return true
  if (outcome.kind !== 'back') return false
  const error = outcome.parameters.get('error')
  return error === null ? outcome.parameters.has('code') : WITHOUT_A_PERSON.has(error)
}

/** The error that it was refused with, or `page` when that was not sent back to the client. */
export function refusalOf(outcome: AuthorizationOutcome): string | undefined {
  if (isAccepted(outcome) || outcome.kind === 'unavailable') return undefined
  return outcome.kind === 'back' ? (outcome.parameters.get('error') ?? 'an empty answer') : 'page'
}

const LONGEST_TITLE = 200

/** Searched for in steps, since a pattern takes minutes for a page that was made for it. */
function titleOf({ answer }: Exchange): string {
  const text = answer?.text ?? ''
  const tag = text.search(/<title/i)
  const start = tag < 0 ? -1 : text.indexOf('>', tag)
  if (start < 0) return ''
  const [title = ''] = text.slice(start + 1, start + 1 + LONGEST_TITLE).split('<', 1)
  return title.trim() === '' ? '' : `, titled ${quote(title.trim(), 100)}`
}

/** The outcome for people, without the code. */
export function describeOutcome(outcome: AuthorizationOutcome): string {
  const { exchange } = outcome
  const status = exchange.answer?.status ?? `no answer (${exchange.failure?.code ?? 'UNKNOWN'})`
  switch (outcome.kind) {
    case 'back': {
      const error = outcome.parameters.get('error')
      return error === null ? 'sent back with a code' : `sent back with error: ${quote(error, 60)}`
    }
    case 'elsewhere': {
      const location = exchange.answer?.headers.get('location') ?? ''
      const host = URL.canParse(location) ? showUrl(new URL(location).origin) : 'another host'
      return `${status}, sent to a sign-in at ${host}`
    }
    case 'page':
      return `${status}, a page that asks${titleOf(exchange)}`
    default:
      return `${status}, a page that refuses${titleOf(exchange)}`
  }
}
