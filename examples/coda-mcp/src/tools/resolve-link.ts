import * as z from 'zod'
import { defineTool, reads } from './tool.js'

/** Id that follows `name` in the path of an API link, such as the doc of a row. */
function idBehind(name: string, href: string): string | undefined {
  const segments = URL.canParse(href) ? new URL(href).pathname.split('/') : []
  const place = segments.indexOf(name)
  const segment = place === -1 ? undefined : segments[place + 1]
  if (segment === undefined) return undefined
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

export const resolveLink = defineTool({
  name: 'coda_resolve_link',
  title: 'Resolve a Coda link',
  description:
    'Finds out what an address from the browser shows, and returns the ids that the other tools need. Works for what the account can see.',
  inputSchema: z.object({
    url: z.url({ protocol: /^https?$/ }).describe('Address of a doc, page, table, row and so on'),
    degradeGracefully: z
      .boolean()
      .optional()
      .describe('Return the closest thing that still exists, such as the doc of a deleted page'),
  }),
  outputSchema: z.object({
    type: z.string(),
    id: z.string(),
    name: z.string().optional(),
    docId: z.string().optional(),
    tableId: z.string().optional().describe('Table of a row or column'),
    browserLink: z.string().optional(),
  }),
  annotations: reads,
  operations: ['resolveBrowserLink'],
  async run({ input, coda, call }) {
    const { browserLink, resource } = await coda.resolveBrowserLink(input, call)
    const { type, id, name, href } = resource
    const docId = idBehind('docs', href)
    const tableId = type === 'table' ? undefined : idBehind('tables', href)
    const named = name === undefined ? '' : `, ${JSON.stringify(name)}`
    const inTable = tableId === undefined ? '' : ` of table ${tableId}`
    const inDoc = docId === undefined || type === 'doc' ? '' : ` in doc ${docId}`
    return {
      structured: { type, id, name, docId, tableId, browserLink },
      text: `${type} ${id}${named}${inTable}${inDoc}`,
    }
  },
})
