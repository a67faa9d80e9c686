import * as z from 'zod'
import type { CodaDoc } from '../coda/schemas.js'

export const DocOutput = z.object({
  id: z.string(),
  name: z.string(),
  ownerName: z.string(),
  owner: z.string(),
  browserLink: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  workspaceId: z.string().optional(),
  folderId: z.string().optional(),
  rowCount: z.number().optional(),
  pageCount: z.number().optional(),
  overApiSizeLimit: z.boolean().optional().describe('If true, Coda refuses most calls on this doc'),
})
export type DocOutput = z.infer<typeof DocOutput>

export function projectDoc(doc: CodaDoc): DocOutput {
  return {
    id: doc.id,
    name: doc.name,
    ownerName: doc.ownerName,
    owner: doc.owner,
    browserLink: doc.browserLink,
    createdAt: doc.createdAt,
    updatedAt: doc.updatedAt,
    workspaceId: doc.workspace?.id,
    folderId: doc.folder?.id,
    rowCount: doc.docSize?.totalRowCount,
    pageCount: doc.docSize?.pageCount,
    overApiSizeLimit: doc.docSize?.overApiSizeLimit,
  }
}

export function describeDoc(doc: DocOutput): string {
  return `${doc.id}: ${JSON.stringify(doc.name)}, owned by ${doc.ownerName}, updated ${doc.updatedAt}, ${doc.browserLink}`
}
