import * as z from 'zod'
import type { CodaFolder } from '../coda/doc-calls.js'

/** Inputs of several folder tools. */
export const folderId = z.string().min(1).describe('Folder id, as coda_list_folders gives it')

export const FolderOutput = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().optional(),
  workspaceId: z.string(),
  canEdit: z.boolean().optional().describe('false for folders such as "My docs"'),
  browserLink: z.string(),
  createdAt: z.string().optional(),
})
export type FolderOutput = z.infer<typeof FolderOutput>

export function projectFolder(folder: CodaFolder): FolderOutput {
  const { id, name, description, workspace, canEdit, browserLink, createdAt } = folder
  return { id, name, description, workspaceId: workspace.id, canEdit, browserLink, createdAt }
}

export function describeFolder({ id, name, workspaceId, browserLink }: FolderOutput): string {
  return `${id}: ${JSON.stringify(name)}, in workspace ${workspaceId}, ${browserLink}`
}
