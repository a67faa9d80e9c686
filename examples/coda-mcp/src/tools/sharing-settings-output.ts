import * as z from 'zod'
import type { CodaSharingSettings } from '../coda/sharing-schemas.js'

export const SharingSettingsOutput = z.object({
  allowEditorsToChangePermissions: z.boolean().describe('If false, only the owner can'),
  allowCopying: z.boolean().describe('Whether viewers may copy the doc'),
  allowViewersToRequestEditing: z.boolean(),
})
export type SharingSettingsOutput = z.infer<typeof SharingSettingsOutput>

export function projectSharingSettings(settings: CodaSharingSettings): SharingSettingsOutput {
  const { allowEditorsToChangePermissions, allowCopying, allowViewersToRequestEditing } = settings
  return { allowEditorsToChangePermissions, allowCopying, allowViewersToRequestEditing }
}

export function describeSharingSettings(settings: SharingSettingsOutput): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
}
