import { createAuditTrail } from '@bestviable/mcp-auth-store-postgres'
import { Option } from 'commander'
import * as z from 'zod/mini'
import { defineCommand } from '../../command.js'
import { commonFlags, commonOptions, databaseFlags, databaseOptions } from '../../flags.js'
import { withDatabase } from '../../stores/postgres-store.js'
import { filterFlags, filterOptions, toFilter } from './filter.js'

/** `mcp-auth audit export` */
export const auditExport = defineCommand({
  path: 'audit export',
  summary: 'Write all audit events to stdout, one line of JSON each, the oldest first',
  details:
    'Those of the namespace, and those of the authorization server, which belong to none. Reads page by page, so that memory stays flat. No event holds a credential.',
  flags: [
    new Option('--format <format>', 'format of the lines').choices(['jsonl']).default('jsonl'),
    ...filterFlags(),
    ...databaseFlags(),
    ...commonFlags(),
  ],
  examples: [
    {
      command:
        'npx @bestviable/mcp-auth-cli audit export --format jsonl --all-namespaces > audit.jsonl',
      explains: 'Everything, for an archive',
    },
    {
      command: 'npx @bestviable/mcp-auth-cli audit export --since 2026-11-01 --until 2026-12-01',
      explains: 'One month',
    },
  ],
  options: z.strictObject({
    ...commonOptions,
    ...databaseOptions,
    ...filterOptions,
    format: z.literal('jsonl'),
  }),
  async run(context, options) {
    const filter = toFilter(options)
    const { output, host } = context
    await withDatabase(context, options, { sealed: false }, async (database, settings) => {
      const namespace = options.allNamespaces ? undefined : settings.namespace
      const trail = createAuditTrail(database, { namespace, withoutNamespace: true })
      let events = 0
      for await (const event of trail.export(filter)) {
        host.signal.throwIfAborted()
        if (output.closed) return
        await output.record({ ...event }, () => JSON.stringify(event))
        events++
      }
      output.note(`${events} events`)
    })
  },
})
