/** A cell: one value, or several for columns with `isArray`. */
export type CellValue = string | number | boolean | readonly (string | number | boolean)[]

export interface SampleColumn {
  readonly id: string
  readonly name: string
  readonly format: { readonly type: string; readonly isArray: boolean } & Record<string, unknown>
  readonly calculated?: boolean
}

export interface SampleRow {
  readonly id: string
  readonly createdAt: string
  updatedAt: string
  values: Record<string, CellValue>
}

export interface SampleTable {
  readonly id: string
  readonly name: string
  readonly pageId: string
  readonly displayColumnId: string
  readonly columns: readonly SampleColumn[]
  /** Table that a view shows; absent for base tables. */
  readonly viewOf?: string
  rows: SampleRow[]
}

export interface SamplePage {
  readonly id: string
  readonly name: string
  readonly subtitle?: string
  readonly parentId?: string
  readonly lines: readonly { readonly style: string; readonly content: string }[]
}

export interface SampleDoc {
  readonly id: string
  readonly name: string
  readonly pages: readonly SamplePage[]
  readonly tables: readonly SampleTable[]
}

const createdAt = '2026-01-12T09:00:00.000Z'

function row(id: string, values: Record<string, CellValue>): SampleRow {
  return { id, createdAt, updatedAt: createdAt, values }
}

const taskColumns: readonly SampleColumn[] = [
  { id: 'c-task', name: 'Task', format: { type: 'text', isArray: false } },
  {
    id: 'c-status',
    name: 'Status',
    format: {
      type: 'select',
      isArray: false,
      options: [{ name: 'Open' }, { name: 'In progress' }, { name: 'Done' }],
    },
  },
  { id: 'c-hours', name: 'Hours', format: { type: 'number', isArray: false, precision: 1 } },
  {
    id: 'c-done',
    name: 'Done',
    format: { type: 'checkbox', isArray: false, displayType: 'check' },
  },
  {
    id: 'c-tags',
    name: 'Tags',
    format: { type: 'select', isArray: true, options: [{ name: 'travel' }, { name: 'people' }] },
  },
]

const tasks: SampleTable = {
  id: 'grid-tasks',
  name: 'Tasks',
  pageId: 'canvas-plan',
  displayColumnId: 'c-task',
  columns: taskColumns,
  rows: [
    row('i-book', {
      'c-task': 'Book the venue',
      'c-status': 'Done',
      'c-hours': 3.5,
      'c-done': true,
      'c-tags': ['travel'],
    }),
    row('i-invite', {
      'c-task': 'Invite the team',
      'c-status': 'In progress',
      'c-hours': 2,
      'c-done': false,
      'c-tags': ['people', 'travel'],
    }),
    row('i-agenda', {
      'c-task': 'Write the agenda',
      'c-status': 'Open',
      'c-hours': 4,
      'c-done': false,
      'c-tags': [],
    }),
  ],
}

/** Fresh sample docs: a plan with tasks, and a list of contacts. */
export function createSampleDocs(): SampleDoc[] {
  return structuredClone([
    {
      id: 'SampleDoc1',
      name: 'Team offsite',
      pages: [
        {
          id: 'canvas-plan',
          name: 'Plan',
          subtitle: 'What has to happen',
          lines: [
            { style: 'h1', content: 'Plan' },
            { style: 'paragraph', content: 'Everything that has to be ready before May.' },
            { style: 'bulletedList', content: 'Venue' },
            { style: 'bulletedList', content: 'Agenda' },
          ],
        },
        {
          id: 'canvas-notes',
          name: 'Notes',
          parentId: 'canvas-plan',
          lines: [{ style: 'paragraph', content: 'Ask about the projector.' }],
        },
      ],
      tables: [tasks],
    },
    {
      id: 'SampleDoc2',
      name: 'Contacts',
      pages: [{ id: 'canvas-people', name: 'People', lines: [] }],
      tables: [
        {
          id: 'grid-people',
          name: 'People',
          pageId: 'canvas-people',
          displayColumnId: 'c-name',
          columns: [
            { id: 'c-name', name: 'Name', format: { type: 'text', isArray: false } },
            { id: 'c-mail', name: 'E-mail', format: { type: 'email', isArray: false } },
          ],
          rows: [
            row('i-ada', { 'c-name': 'Ada', 'c-mail': 'ada@example.com' }),
            row('i-grace', { 'c-name': 'Grace', 'c-mail': 'grace@example.com' }),
          ],
        },
      ],
    },
  ])
}
