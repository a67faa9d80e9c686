import * as z from 'zod'

// Members that the server uses are checked; members it does not know are kept out of the way, since
// Coda adds new ones without a new version.

export const Reference = z.looseObject({ id: z.string(), name: z.string().optional() })

/** One page of a list of `item`. */
export const page = <Item extends z.ZodType>(item: Item) =>
  z.looseObject({ items: z.array(item), nextPageToken: z.string().optional() })

export const User = z.looseObject({
  name: z.string(),
  loginId: z.string(),
  scoped: z.boolean(),
  tokenName: z.string(),
  workspace: Reference.optional(),
})

export const Doc = z.looseObject({
  id: z.string(),
  name: z.string(),
  browserLink: z.string(),
  owner: z.string(),
  ownerName: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  workspace: Reference.optional(),
  folder: Reference.optional(),
  docSize: z
    .looseObject({
      totalRowCount: z.number(),
      tableAndViewCount: z.number(),
      pageCount: z.number(),
      overApiSizeLimit: z.boolean(),
    })
    .optional(),
})
export const DocList = page(Doc)

export const Page = z.looseObject({
  id: z.string(),
  name: z.string(),
  subtitle: z.string().optional(),
  contentType: z.string(),
  isHidden: z.boolean(),
  browserLink: z.string(),
  parent: Reference.optional(),
  children: z.array(Reference),
  updatedAt: z.string().optional(),
})
export const PageList = page(Page)

const PageContentItem = z.looseObject({
  id: z.string(),
  type: z.string(),
  itemContent: z
    .looseObject({ style: z.string(), content: z.string(), lineLevel: z.number().optional() })
    .optional(),
})
export const PageContentList = page(PageContentItem)

export const TableReference = z.looseObject({
  id: z.string(),
  name: z.string(),
  tableType: z.string(),
  browserLink: z.string(),
  parent: Reference.optional(),
})
export const TableList = page(TableReference)

export const Table = z.looseObject({
  ...TableReference.shape,
  parentTable: Reference.optional(),
  displayColumn: Reference,
  rowCount: z.number(),
  layout: z.string(),
  sorts: z.array(z.looseObject({ column: Reference, direction: z.string() })).optional(),
  filter: z.looseObject({ valid: z.boolean() }).optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
})

export const Column = z.looseObject({
  id: z.string(),
  name: z.string(),
  display: z.boolean().optional(),
  calculated: z.boolean().optional(),
  formula: z.string().optional(),
  defaultValue: z.string().optional(),
  format: z.looseObject({ type: z.string(), isArray: z.boolean() }),
})
export const ColumnList = page(Column)

export const Row = z.looseObject({
  id: z.string(),
  name: z.string(),
  index: z.number(),
  browserLink: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  values: z.record(z.string(), z.unknown()),
})
export const RowList = z.looseObject({ ...page(Row).shape, nextSyncToken: z.string().optional() })

export const RowsUpsertResult = z.looseObject({
  requestId: z.string(),
  addedRowIds: z.array(z.string()).optional(),
})
export const RowMutationResult = z.looseObject({ requestId: z.string(), id: z.string() })
export const RowsDeleteResult = z.looseObject({
  requestId: z.string(),
  rowIds: z.array(z.string()),
})
export const MutationStatus = z.looseObject({
  completed: z.boolean(),
  warning: z.string().optional(),
})

/** The body of an answer with an error status. */
export const ErrorBody = z.looseObject({ message: z.string() })

const Scalar = z.union([z.string(), z.number(), z.boolean()])

/** A cell as it is written: one value, or an array of values for columns that hold several. */
export const CellEdit = z.strictObject({
  column: z.string().min(1).describe('Column id (preferred) or name'),
  value: z
    .union([Scalar, z.array(z.union([Scalar, z.array(Scalar)]))])
    .describe('New value; an array for columns that hold several'),
})

export type CodaUser = z.infer<typeof User>
export type CodaDoc = z.infer<typeof Doc>
export type CodaPage = z.infer<typeof Page>
export type CodaPageContentItem = z.infer<typeof PageContentItem>
export type CodaTableReference = z.infer<typeof TableReference>
export type CodaTable = z.infer<typeof Table>
export type CodaColumn = z.infer<typeof Column>
export type CodaRow = z.infer<typeof Row>
export type CodaRowList = z.infer<typeof RowList>
export type CodaRowsUpsertResult = z.infer<typeof RowsUpsertResult>
export type CodaRowMutationResult = z.infer<typeof RowMutationResult>
export type CodaRowsDeleteResult = z.infer<typeof RowsDeleteResult>
export type CodaMutationStatus = z.infer<typeof MutationStatus>
export type CodaCellEdit = z.infer<typeof CellEdit>
