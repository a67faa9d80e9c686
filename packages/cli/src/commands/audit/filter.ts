import type { AuditFilter, AuditRecord } from '@bestviable/mcp-auth-store-postgres'
import { InvalidArgumentError, Option } from 'commander'
import * as z from 'zod/mini'
import { formatOwner, parseProvider } from '../../credential-key.js'
import { CommandFailure } from '../../failure.js'

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Parses `2026-11-21T14:00Z`, a date, or an age such as `90m`, `24h` and `7d`. */
export function parseTime(text: string, now: number = Date.now()): number {
  const age = /^(\d{1,6})([smhd])$/.exec(text)
  if (age !== null) return now - Number(age[1]) * UNITS[age[2] as keyof typeof UNITS]
  const isDate = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]{4,12}(?:Z|[+-]\d{2}:?\d{2}))?$/.test(text)
  const time = isDate ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      'Write a time with its zone such as 2026-11-21T14:00Z, a date, or an age such as 24h or 7d.',
    )
  }
  return time
}

/** Flags that choose audit events. */
export function filterFlags(): Option[] {
  return [
    new Option('--provider <name>', 'only events of this provider'),
    new Option('--event <name>', 'only events of this name, for example credential.write'),
    new Option('--actor <subject>', 'only events that this subject caused'),
    new Option('--actor-issuer <url>', 'with --actor: and this issuer vouches for it'),
    new Option('--since <time>', 'a time, a date or an age such as 24h').argParser((text) =>
      parseTime(text),
    ),
    new Option('--until <time>', 'not from this time on').argParser((text) => parseTime(text)),
    new Option('--namespace <name>', 'namespace of the server; events of none are there too'),
    new Option('--all-namespaces', 'events of all namespaces of the schema').conflicts('namespace'),
  ]
}

/** Members of {@link filterFlags}. */
export const filterOptions = {
  provider: z.optional(z.string()),
  event: z.optional(z.string()),
  actor: z.optional(z.string()),
  actorIssuer: z.optional(z.string()),
  since: z.optional(z.number()),
  until: z.optional(z.number()),
  namespace: z.optional(z.string()),
  allNamespaces: z._default(z.boolean(), false),
}

/** Builds the filter that the flags describe. */
export function toFilter(options: {
  readonly provider?: string | undefined
  readonly event?: string | undefined
  readonly actor?: string | undefined
  readonly actorIssuer?: string | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
}): AuditFilter {
  const { provider, event, actor, actorIssuer: issuer, since, until } = options
  if (issuer !== undefined && actor === undefined) {
    throw new CommandFailure('usage', '--actor-issuer works only with --actor')
  }
  return {
    provider: provider === undefined ? undefined : parseProvider(provider),
    event,
    actor: issuer === undefined || actor === undefined ? actor : { issuer, subject: actor },
    since,
    until,
  }
}

/** One event as a person reads it. Text from outside is quoted. */
export function formatEvent(record: AuditRecord): string {
  const { at, event, outcome, reason, namespace, provider, owner, actor, version, details } = record
  const parts = [
    new Date(at).toISOString(),
    event,
    reason === undefined ? outcome : `${outcome} (${reason})`,
    ...(namespace === undefined ? [] : [`namespace ${namespace}`]),
    ...(provider === undefined ? [] : [`${provider}${owner === undefined ? '' : ` (${owner})`}`]),
    ...(version === undefined ? [] : [`version ${version}`]),
    ...(actor === undefined ? [] : [`by ${formatOwner({ kind: 'user', ...actor })}`]),
    ...(details === undefined ? [] : [JSON.stringify(details)]),
  ]
  return parts.join('  ')
}
