import * as z from 'zod'
import { page } from './schemas.js'

export const SharingMetadata = z.looseObject({
  canShare: z.boolean(),
  canShareWithWorkspace: z.boolean(),
  canShareWithOrg: z.boolean(),
  canCopy: z.boolean(),
})

// Which members there are follows from the type; Coda has more types than can be added.
const Principal = z.looseObject({
  type: z.string(),
  email: z.string().optional(),
  groupId: z.string().optional(),
  groupName: z.string().optional(),
  domain: z.string().optional(),
  workspaceId: z.string().optional(),
})

const Permission = z.looseObject({ id: z.string(), access: z.string(), principal: Principal })
export const PermissionList = page(Permission)

export const Principals = z.looseObject({
  users: z.array(z.looseObject({ name: z.string(), loginId: z.string() })),
  groups: z.array(z.looseObject({ groupId: z.string(), groupName: z.string() })),
})

export const SharingSettings = z.looseObject({
  allowEditorsToChangePermissions: z.boolean(),
  allowCopying: z.boolean(),
  allowViewersToRequestEditing: z.boolean(),
})

/** The answer to a change that is done at once and has no result. */
export const Done = z.looseObject({})

/** Whom a doc can be shared with. */
export const AddedPrincipal = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('email'), email: z.email() }),
    z.strictObject({ type: z.literal('group'), groupId: z.string().min(1) }),
    z.strictObject({ type: z.literal('domain'), domain: z.string().min(1) }),
    z.strictObject({ type: z.literal('workspace'), workspaceId: z.string().min(1) }),
    z.strictObject({ type: z.literal('anyone') }),
  ])
  .describe('Whom to share with; anyone means everybody who has the link')

export type CodaSharingMetadata = z.infer<typeof SharingMetadata>
export type CodaPermission = z.infer<typeof Permission>
export type CodaPrincipals = z.infer<typeof Principals>
export type CodaSharingSettings = z.infer<typeof SharingSettings>
export type CodaAddedPrincipal = z.infer<typeof AddedPrincipal>
