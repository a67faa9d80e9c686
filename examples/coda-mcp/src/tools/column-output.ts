import * as z from 'zod'
import type { CodaColumn } from '../coda/schemas.js'

export const ColumnOutput = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  isArray: z.boolean().describe('Whether a cell holds several values'),
  display: z.boolean().describe('Whether this column names the row'),
  calculated: z.boolean().describe('Calculated columns cannot be written'),
  formula: z.string().optional(),
  defaultValue: z.string().optional().describe('Formula for the value of new rows'),
  format: z.record(z.string(), z.unknown()).describe('Details of the type, such as its options'),
})
export type ColumnOutput = z.infer<typeof ColumnOutput>

export function projectColumn(column: CodaColumn): ColumnOutput {
  const { id, name, display, calculated, formula, defaultValue, format } = column
  return {
    ...{ id, name, type: format.type, isArray: format.isArray },
    display: display ?? false,
    calculated: calculated ?? false,
    ...{ formula, defaultValue, format },
  }
}

export function describeColumn(column: Omit<ColumnOutput, 'format'>): string {
  return [
    `${column.id}: ${JSON.stringify(column.name)}, ${column.type}`,
    ...(column.isArray ? ['several values'] : []),
    ...(column.display ? ['display column'] : []),
    ...(column.calculated ? ['calculated'] : []),
  ].join(', ')
}
