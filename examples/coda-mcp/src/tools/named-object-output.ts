import * as z from 'zod'
import type { CodaNamedObject } from '../coda/object-schemas.js'
import { docId, limit, nextPageToken } from './inputs.js'

/** Inputs of the lists of formulas and controls. */
export const namedObjectListInput = {
  docId,
  sortBy: z.enum(['name']).optional(),
  limit,
  nextPageToken,
}

/** A formula or a control without its value. */
export const NamedObjectOutput = z.object({
  id: z.string(),
  name: z.string(),
  pageId: z.string().optional(),
})
export type NamedObjectOutput = z.infer<typeof NamedObjectOutput>

export function projectNamedObject({ id, name, parent }: CodaNamedObject): NamedObjectOutput {
  return { id, name, pageId: parent?.id }
}

export function describeNamedObject({ id, name, pageId }: NamedObjectOutput): string {
  return `${id}: ${JSON.stringify(name)}${pageId === undefined ? '' : `, on page ${pageId}`}`
}
