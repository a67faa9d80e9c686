import * as z from 'zod/mini'
import { functionSchema, integerSchema, Name, parseOptions, Signal } from './parse-options.js'

const TEXT = 'must be a text that is not empty'
const Text = z.string({ error: TEXT }).check(z.minLength(1, { error: TEXT }))
const TIME = 'must be epoch milliseconds'
const Time = z.number({ error: TIME }).check(z.gte(0, { error: TIME }))
const ID = 'must be the id of an audit event'
const Id = z.string({ error: ID }).check(z.regex(/^\d{1,18}$/, { error: ID }))

const filterShape = {
  event: z.optional(Text),
  provider: z.optional(Name),
  owner: z.optional(z.enum(['service', 'user'], { error: 'must be "service" or "user"' })),
  actor: z.optional(
    z.union([Text, z.strictObject({ issuer: Text, subject: Text })], {
      error: 'must be a subject, or { issuer, subject }',
    }),
  ),
  outcome: z.optional(Text),
  since: z.optional(Time),
  until: z.optional(Time),
}

const Trail = z.strictObject({
  namespace: z.optional(Name),
  withoutNamespace: z._default(z.boolean({ error: 'must be true or false' }), false),
  retentionDays: z._default(integerSchema(1, 36_500), 90),
  reads: z._default(
    z.enum(['first-per-minute', 'all', 'off'], {
      error: 'must be "first-per-minute", "all" or "off"',
    }),
    'first-per-minute',
  ),
  now: z._default(functionSchema<() => number>(), () => Date.now),
})

const List = z.strictObject({
  ...filterShape,
  after: z.optional(Id),
  limit: z._default(integerSchema(1, 10_000), 100),
  newestFirst: z._default(z.boolean({ error: 'must be true or false' }), false),
})

const Follow = z.strictObject({
  ...filterShape,
  after: z.optional(Id),
  signal: z.optional(Signal),
})

const Export = z.strictObject(filterShape)

/** Validates the options of `createAuditTrail`. */
export function parseTrailOptions(options: unknown): z.infer<typeof Trail> {
  return parseOptions('createAuditTrail', Trail, options)
}

/** Validates the options of `list`. */
export function parseListOptions(options: unknown): z.infer<typeof List> {
  return parseOptions('AuditTrail.list', List, options)
}

/** Validates the options of `follow`. */
export function parseFollowOptions(options: unknown): z.infer<typeof Follow> {
  return parseOptions('AuditTrail.follow', Follow, options)
}

/** Validates the options of `export`. */
export function parseExportOptions(options: unknown): z.infer<typeof Export> {
  return parseOptions('AuditTrail.export', Export, options)
}
