import * as z from 'zod'

/** Inputs that several tools share, under the names that earlier Coda MCP servers use. */
export const docId = z
  .string()
  .min(1)
  .describe('Doc id, or the address of the doc as the browser shows it')

export const pageIdOrName = z.string().min(1).describe('Page id (preferred) or name')

export const tableIdOrName = z.string().min(1).describe('Table or view id (preferred) or name')

export const columnIdOrName = z.string().min(1).describe('Column id (preferred) or name')

export const rowIdOrName = z
  .string()
  .min(1)
  .describe('Row id (preferred), or the value of its display column')

export const limit = z
  .int()
  .min(1)
  .optional()
  .describe('Largest number of items to return; Coda returns fewer where this is too many')

export const nextPageToken = z
  .string()
  .min(1)
  .optional()
  .describe('nextPageToken of the previous answer; repeat the other inputs unchanged')

export const useColumnNames = z
  .boolean()
  .optional()
  .describe('Key the values by column name instead of column id')

export const valueFormat = z
  .enum(['simple', 'simpleWithArrays', 'rich'])
  .optional()
  .describe('simple joins lists with commas; simpleWithArrays keeps arrays; rich keeps everything')

export const disableParsing = z
  .boolean()
  .optional()
  .describe('Store the values as given instead of parsing dates, numbers and references')

export const wait = z
  .boolean()
  .default(false)
  .describe('Wait up to 30 seconds until Coda has applied the change')
