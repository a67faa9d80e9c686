import {
  type CheckId,
  type CheckResult,
  type ClientId,
  definitionOf,
  type Finding,
  linkOf,
} from '../check.js'
import { RUN_OVER } from '../http/connection-failure.js'
import type { Exchange } from '../http/prober.js'
import { quote } from '../http/quote.js'

/** Why a check that has to change something on the server is skipped. */
export const NEEDS_ACTIVE = 'needs --active'

/** What a check function answers; {@link toResult} makes a result of it. */
export type Verdict =
  | { readonly kind: 'passed'; readonly reason: string; readonly hints: readonly string[] }
  | { readonly kind: 'skipped'; readonly reason: string; readonly hints: readonly string[] }
  | {
      readonly kind: 'found'
      readonly findings: readonly FindingInput[]
      readonly hints: readonly string[]
    }

/** A finding before its check is known. */
export interface FindingInput {
  /** Default: `failed`. */
  readonly level?: Finding['level'] | undefined
  /** The request that showed it, which also tells whether the end of the run cut it off; or words. */
  readonly sent: Exchange | string
  readonly received: string
  readonly reason: string
  readonly fix: string
  /** Default: those of the check. */
  readonly clients?: readonly ClientId[] | undefined
}

/** Nothing is wrong. */
export function passed(reason: string, ...hints: readonly string[]): Verdict {
  return { kind: 'passed', reason, hints }
}

/** It was not possible, or not allowed, to look. */
export function skipped(reason: string, ...hints: readonly string[]): Verdict {
  return { kind: 'skipped', reason, hints }
}

/** Something is wrong. */
export function found(...findings: readonly FindingInput[]): Verdict {
  return { kind: 'found', findings, hints: [] }
}

/** Passed when nothing was found. */
export function verdictOf(
  findings: readonly FindingInput[],
  otherwise: string,
  ...hints: readonly string[]
): Verdict {
  return findings.length === 0 ? passed(otherwise, ...hints) : { kind: 'found', findings, hints }
}

/** What was cut off by the end of the run says nothing about the server, and hides nothing else. */
export function withoutCutOff(verdict: Verdict): Verdict {
  if (verdict.kind !== 'found') return verdict
  const { findings, hints } = verdict
  const isCutOff = ({ sent }: FindingInput): boolean =>
    typeof sent !== 'string' && sent.failure?.code === RUN_OVER
  const rest = findings.filter((each) => !isCutOff(each))
  if (rest.length === 0) return skipped('the run was over before this was done', ...hints)
  return { ...verdict, findings: rest }
}

/** The status line and one header of an answer, for people. */
export function received({ answer, failure }: Exchange, ...headers: readonly string[]): string {
  if (answer === undefined) return `no answer (${failure?.code ?? 'UNKNOWN'})`
  const shown = headers.map((name) => {
    const value = answer.headers.get(name)
    return value === null ? `no ${name}` : `${name}: ${quote(value)}`
  })
  return [String(answer.status), ...shown].join(', ')
}

/** The status line and the beginning of the body, for people. */
export function receivedBody(exchange: Exchange): string {
  const text = exchange.answer?.text.trim() ?? ''
  const line = received(exchange, 'content-type')
  return text === '' ? line : `${line}, ${quote(text, 120)}`
}

/** The status and the error code of an OAuth answer, whose body can hold tokens. */
export function receivedError({ answer, failure }: Exchange): string {
  if (answer === undefined) return `no answer (${failure?.code ?? 'UNKNOWN'})`
  const { json } = answer
  const error: unknown =
    typeof json === 'object' && json !== null ? Reflect.get(json, 'error') : undefined
  return typeof error === 'string'
    ? `${answer.status}, error: ${quote(error, 60)}`
    : String(answer.status)
}

/** Makes a result of what a check found. */
export function toResult(id: CheckId, verdict: Verdict): CheckResult {
  const { title, severity, group, breaks } = definitionOf(id)
  const common = { id, title, severity, group, link: linkOf(id), hints: verdict.hints }
  if (verdict.kind !== 'found') {
    return { ...common, status: verdict.kind, reason: verdict.reason, findings: [], clients: [] }
  }
  const findings = verdict.findings
    .map(
      ({ level = 'failed', clients = breaks, sent, ...rest }): Finding => ({
        ...rest,
        sent: typeof sent === 'string' ? sent : sent.sent,
        level: severity === 'warning' ? 'warning' : level,
        clients,
      }),
    )
    .sort((one, other) => one.level.localeCompare(other.level))
  const [first] = findings
  return {
    ...common,
    status: first?.level ?? 'failed',
    reason: first?.reason ?? '',
    findings,
    clients: breaks.length === 0 ? [] : [...new Set(findings.flatMap(({ clients }) => clients))],
  }
}
