import { createAuditTrail } from '@bestviable/mcp-auth-store-postgres'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import {
  commonFlags,
  commonOptions,
  countUpTo,
  databaseFlags,
  databaseOptions,
} from '../../flags.js'
import { withDatabase } from '../../stores/postgres-store.js'
import { filterFlags, filterOptions, formatEvent, toFilter } from './filter.js'

const MOST_EVENTS = 10_000

/** `mcp-auth audit` */
export const auditShow = defineCommand({
  path: 'audit',
  summary: 'Show who read, wrote and removed which credential, and what happened at the sign-in',
  details:
    'Events of the namespace, and those of the authorization server, which belong to none: the newest ones, the oldest of them first. With --follow those that happen from now on, until it is interrupted. With --json one line of JSON per event. No event holds a credential.',
  flags: [
    ...filterFlags(),
    new Option('--follow', 'show events as they happen').conflicts(['limit', 'until']),
    new Option('--limit <events>', 'at most this many, up to 10000; default 100').argParser(
      countUpTo(MOST_EVENTS),
    ),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command: 'npx @bestviable/mcp-auth-cli audit --provider coda --since 24h',
      explains: 'Everything about the Coda credentials of the last day',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli audit --event credential.write --follow',
      explains: 'Watch a migration',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    ...filterOptions,
    follow: z._default(z.boolean(), false),
    limit: z.optional(z.number()),
  }),
  async run(context, options) {
    const filter = toFilter(options)
    const { output, host } = context
    await withDatabase(context, options, { sealed: false }, async (database, settings) => {
      const namespace = options.allNamespaces ? undefined : settings.namespace
      const trail = createAuditTrail(database, { namespace, withoutNamespace: true })
      if (options.follow) {
        for await (const event of trail.follow({ ...filter, signal: host.signal })) {
          await output.record({ ...event }, () => formatEvent(event))
          if (output.closed) return
        }
        return
      }
      const limit = options.limit ?? 100
      const events = await trail.list({ ...filter, limit, newestFirst: true })
      for (const event of events.toReversed()) {
        await output.record({ ...event }, () => formatEvent(event))
      }
      if (events.length === limit) output.note(`only the newest ${limit} events are shown`)
    })
  },
})
