import * as z from 'zod'
import type { CodaRow } from '../coda/schemas.js'

export const RowOutput = z.object({
  id: z.string(),
  name: z.string().describe('Value of the display column'),
  index: z.number(),
  browserLink: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  values: z.record(z.string(), z.unknown()).describe('Cell values by column'),
})
export type RowOutput = z.infer<typeof RowOutput>

export function projectRow(row: CodaRow): RowOutput {
  const { id, name, index, browserLink, createdAt, updatedAt, values } = row
  return { id, name, index, browserLink, createdAt, updatedAt, values }
}

export function describeRow({ id, name, values }: RowOutput): string {
  return `${id}: ${JSON.stringify(name)} ${JSON.stringify(values)}`
}
