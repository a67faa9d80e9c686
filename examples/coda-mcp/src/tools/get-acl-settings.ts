import * as z from 'zod'
import { docId } from './inputs.js'
import {
  describeSharingSettings,
  projectSharingSettings,
  SharingSettingsOutput,
} from './sharing-settings-output.js'
import { defineTool, reads } from './tool.js'

export const getAclSettings = defineTool({
  name: 'coda_get_acl_settings',
  title: 'Get sharing settings of a Coda doc',
  description: 'Returns who may change permissions of a doc, copy it, or ask to edit it.',
  inputSchema: z.object({ docId }),
  outputSchema: SharingSettingsOutput,
  annotations: reads,
  operations: ['getAclSettings'],
  async run({ input, coda, call }) {
    const structured = projectSharingSettings(await coda.getSharingSettings(input, call))
    return { structured, text: describeSharingSettings(structured) }
  },
})
