import * as z from 'zod'
import { docId } from './inputs.js'
import { defineTool, reads } from './tool.js'

export const searchPrincipals = defineTool({
  name: 'coda_search_principals',
  title: 'Search people and groups',
  description:
    'Finds people and groups that a doc can be shared with, by a part of their name or address; at most 20 of each.',
  inputSchema: z.object({ docId, query: z.string().min(1) }),
  outputSchema: z.object({
    users: z.array(z.object({ name: z.string(), email: z.string() })),
    groups: z.array(z.object({ groupId: z.string(), groupName: z.string() })),
  }),
  annotations: reads,
  operations: ['searchPrincipals'],
  async run({ input, coda, call }) {
    const found = await coda.searchPrincipals(input, call)
    const users = found.users.map(({ name, loginId }) => ({ name, email: loginId }))
    const groups = found.groups.map(({ groupId, groupName }) => ({ groupId, groupName }))
    const lines = [
      ...users.map(({ name, email }) => `email ${email}: ${JSON.stringify(name)}`),
      ...groups.map(({ groupId, groupName }) => `group ${groupId}: ${JSON.stringify(groupName)}`),
    ]
    return {
      structured: { users, groups },
      text: lines.length === 0 ? 'No people or groups.' : lines.join('\n'),
    }
  },
})
