import * as z from 'zod'
import { Column, page, Reference, TableReference } from './schemas.js'

const NamedObject = z.looseObject({
  id: z.string(),
  name: z.string(),
  parent: Reference.optional(),
})

export const ColumnDetail = z.looseObject({ ...Column.shape, parent: TableReference })
export const FormulaList = page(NamedObject)
export const Formula = z.looseObject({ ...NamedObject.shape, value: z.unknown() })
export const ControlList = page(NamedObject)
export const Control = z.looseObject({ ...Formula.shape, controlType: z.string() })

export const ButtonResult = z.looseObject({
  requestId: z.string(),
  rowId: z.string(),
  columnId: z.string(),
})
/** An accepted change of a doc that has no other result. */
export const DocMutationResult = z.looseObject({ requestId: z.string() })

export type CodaColumnDetail = z.infer<typeof ColumnDetail>
export type CodaNamedObject = z.infer<typeof NamedObject>
export type CodaFormula = z.infer<typeof Formula>
export type CodaControl = z.infer<typeof Control>
export type CodaButtonResult = z.infer<typeof ButtonResult>
export type CodaDocMutationResult = z.infer<typeof DocMutationResult>
