import * as z from 'zod'
import { docId } from './inputs.js'
import {
  describeSharingSettings,
  projectSharingSettings,
  SharingSettingsOutput,
} from './sharing-settings-output.js'
import { defineTool } from './tool.js'

const { allowEditorsToChangePermissions, allowCopying, allowViewersToRequestEditing } =
  SharingSettingsOutput.shape

export const updateAclSettings = defineTool({
  name: 'coda_update_acl_settings',
  title: 'Change sharing settings of a Coda doc',
  description:
    'Changes who may change permissions of a doc, copy it, or ask to edit it. Settings that are left out stay as they are.',
  inputSchema: z
    .object({
      docId,
      allowEditorsToChangePermissions: allowEditorsToChangePermissions.optional(),
      allowCopying: allowCopying.optional(),
      allowViewersToRequestEditing: allowViewersToRequestEditing.optional(),
    })
    .refine(
      ({ docId: _docId, ...settings }) =>
        Object.values(settings).some((value) => value !== undefined),
      'needs at least one setting',
    ),
  outputSchema: SharingSettingsOutput,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  operations: ['updateAclSettings'],
  scope: 'coda.share',
  async run({ input, coda, call }) {
    const structured = projectSharingSettings(await coda.updateSharingSettings(input, call))
    return { structured, text: describeSharingSettings(structured) }
  },
})
