import { type CodaHttp, docPath, paged, tablePath } from './http.js'
import type { CodaListPage, InDoc, InRow, InTable, Paging } from './inputs.js'
import * as schemas from './object-schemas.js'
import type { CodaCall } from './transport.js'

export interface ListNamedInput extends InDoc, Paging {
  readonly sortBy?: 'name' | undefined
}

/** Calls on single columns, buttons, formulas, controls and automations. */
export interface ObjectCalls {
  getColumn(
    input: InTable & { readonly columnIdOrName: string },
    call: CodaCall,
  ): Promise<schemas.CodaColumnDetail>
  /** Queues what the button does, which can be anything in the doc and in its Packs. */
  pushButton(
    input: InRow & { readonly columnIdOrName: string },
    call: CodaCall,
  ): Promise<schemas.CodaButtonResult>
  listFormulas(
    input: ListNamedInput,
    call: CodaCall,
  ): Promise<CodaListPage<schemas.CodaNamedObject>>
  getFormula(
    input: InDoc & { readonly formulaIdOrName: string },
    call: CodaCall,
  ): Promise<schemas.CodaFormula>
  listControls(
    input: ListNamedInput,
    call: CodaCall,
  ): Promise<CodaListPage<schemas.CodaNamedObject>>
  getControl(
    input: InDoc & { readonly controlIdOrName: string },
    call: CodaCall,
  ): Promise<schemas.CodaControl>
  /** Starts an automation that waits for a webhook. 422 when the rule is of another kind. */
  triggerAutomation(
    input: InDoc & {
      readonly ruleId: string
      readonly payload?: Readonly<Record<string, unknown>> | undefined
    },
    call: CodaCall,
  ): Promise<schemas.CodaDocMutationResult>
}

export function createObjectCalls({ get, send }: CodaHttp): ObjectCalls {
  return {
    getColumn: async (input, call) =>
      await get(
        'reading the column',
        tablePath(input, 'columns', input.columnIdOrName),
        schemas.ColumnDetail,
        call,
      ),
    pushButton: async (input, call) =>
      await send(
        {
          operation: 'pushing the button',
          method: 'POST',
          path: tablePath(input, 'rows', input.rowIdOrName, 'buttons', input.columnIdOrName),
          answer: schemas.ButtonResult,
        },
        call,
      ),
    listFormulas: async ({ docId, ...query }, call) =>
      await get('listing formulas', docPath({ docId }, 'formulas'), schemas.FormulaList, call, {
        ...paged(query),
      }),
    getFormula: async (input, call) =>
      await get(
        'reading the formula',
        docPath(input, 'formulas', input.formulaIdOrName),
        schemas.Formula,
        call,
      ),
    listControls: async ({ docId, ...query }, call) =>
      await get('listing controls', docPath({ docId }, 'controls'), schemas.ControlList, call, {
        ...paged(query),
      }),
    getControl: async (input, call) =>
      await get(
        'reading the control',
        docPath(input, 'controls', input.controlIdOrName),
        schemas.Control,
        call,
      ),
    triggerAutomation: async ({ docId, ruleId, payload }, call) =>
      await send(
        {
          operation: 'starting the automation',
          method: 'POST',
          path: docPath({ docId }, 'hooks', 'automation', ruleId),
          body: payload ?? {},
          answer: schemas.DocMutationResult,
        },
        call,
      ),
  }
}
