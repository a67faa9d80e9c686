import * as z from 'zod'
import type { CodaPermission } from '../coda/sharing-schemas.js'

export const PermissionOutput = z.object({
  id: z.string(),
  access: z.string(),
  principal: z.object({
    type: z.string(),
    email: z.string().optional(),
    groupId: z.string().optional(),
    groupName: z.string().optional(),
    domain: z.string().optional(),
    workspaceId: z.string().optional(),
  }),
})
export type PermissionOutput = z.infer<typeof PermissionOutput>

export function projectPermission({ id, access, principal }: CodaPermission): PermissionOutput {
  const { type, email, groupId, groupName, domain, workspaceId } = principal
  return { id, access, principal: { type, email, groupId, groupName, domain, workspaceId } }
}

/** A principal in words: its type and what names it. */
export function describePrincipal(
  principal: {
    readonly [member in keyof PermissionOutput['principal']]?: string | undefined
  },
): string {
  const { type = 'unknown', email, groupName, groupId, domain, workspaceId } = principal
  const name = email ?? groupName ?? groupId ?? domain ?? workspaceId
  return name === undefined ? type : `${type} ${JSON.stringify(name)}`
}

export function describePermission({ id, access, principal }: PermissionOutput): string {
  return `${id}: ${describePrincipal(principal)}, ${access}`
}
