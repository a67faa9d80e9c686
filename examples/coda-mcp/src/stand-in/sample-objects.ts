import type { CellValue } from './sample-data.js'

interface SampleFormula {
  readonly id: string
  readonly name: string
  readonly pageId: string
  readonly value: CellValue
}

interface SampleControl extends SampleFormula {
  readonly controlType: string
}

interface SampleAutomation {
  readonly id: string
  readonly trigger: 'webhook' | 'time'
}

/** Named objects of a doc that are neither pages nor tables. */
export interface SampleObjects {
  readonly formulas: readonly SampleFormula[]
  readonly controls: readonly SampleControl[]
  readonly automations: readonly SampleAutomation[]
}

const objects: Readonly<Record<string, SampleObjects>> = {
  SampleDoc1: {
    formulas: [
      { id: 'f-total', name: 'Total hours', pageId: 'canvas-plan', value: 9.5 },
      { id: 'f-open', name: 'Open tasks', pageId: 'canvas-plan', value: ['Write the agenda'] },
    ],
    controls: [
      {
        id: 'ctrl-month',
        name: 'Month',
        pageId: 'canvas-plan',
        controlType: 'select',
        value: 'May',
      },
      {
        id: 'ctrl-budget',
        name: 'Budget',
        pageId: 'canvas-notes',
        controlType: 'slider',
        value: 1200,
      },
    ],
    automations: [
      { id: 'grid-auto-hook', trigger: 'webhook' },
      { id: 'grid-auto-daily', trigger: 'time' },
    ],
  },
}

/** Formulas, controls and automations of a sample doc; other docs have none. */
export function sampleObjectsOf(docId: string): SampleObjects {
  return objects[docId] ?? { formulas: [], controls: [], automations: [] }
}
