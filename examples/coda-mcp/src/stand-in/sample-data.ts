/** A cell: one value, or several for columns with `isArray`. */
export type CellValue = string | number | boolean | readonly (string | number | boolean)[]

export interface SampleColumn {
  readonly id: string
  readonly name: string
  readonly format: { readonly type: string; readonly isArray: boolean } & Record<string, unknown>
  readonly calculated?: boolean
  /** Values that pushing this column sets in its row; only buttons have them. */
  readonly sets?: Readonly<Record<string, CellValue>>
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

/** A line of a page; Coda calls it an element. */
export interface SampleLine {
  readonly id: string
  readonly style: string
  readonly content: string
}

export interface SamplePage {
  readonly id: string
  name: string
  subtitle?: string | undefined
  iconName?: string | undefined
  imageUrl?: string | undefined
  isHidden?: boolean | undefined
  updatedAt?: string | undefined
  readonly parentId?: string | undefined
  /** Default `canvas`. */
  readonly contentType?: string | undefined
  lines: readonly SampleLine[]
}

export interface SampleFolder {
  readonly id: string
  readonly canEdit: boolean
  name: string
  description?: string | undefined
}

/** How a doc is published, in Coda's words. */
export interface SamplePublication {
  readonly browserLink: string
  readonly discoverable: boolean
  readonly earnCredit: boolean
  readonly mode: 'view' | 'play' | 'edit'
  readonly categories: readonly { readonly name: string }[]
}

export interface SampleDoc {
  readonly id: string
  name: string
  iconName?: string | undefined
  /** Default: the sample folder. */
  readonly folderId?: string | undefined
  /** Doc that this one was copied from. */
  readonly sourceDocId?: string | undefined
  pages: readonly SamplePage[]
  deletedPageIds?: readonly string[] | undefined
  readonly tables: readonly SampleTable[]
  published?: SamplePublication | undefined
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

function lines(pageId: string, texts: readonly (readonly [string, string])[]): SampleLine[] {
  return texts.map(([style, content], index) => ({ id: `cl-${pageId}-${index}`, style, content }))
}

/** Fresh sample folders. */
export function createSampleFolders(): SampleFolder[] {
  return [{ id: 'fl-sample', name: 'My docs', canEdit: false }]
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
          lines: lines('canvas-plan', [
            ['h1', 'Plan'],
            ['paragraph', 'Everything that has to be ready before May.'],
            ['bulletedList', 'Venue'],
            ['bulletedList', 'Agenda'],
          ]),
        },
        {
          id: 'canvas-notes',
          name: 'Notes',
          parentId: 'canvas-plan',
          lines: lines('canvas-notes', [['paragraph', 'Ask about the projector.']]),
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
            {
              id: 'c-greeted',
              name: 'Greeted',
              format: { type: 'checkbox', isArray: false, displayType: 'check' },
            },
            {
              id: 'c-greet',
              name: 'Greet',
              calculated: true,
              format: { type: 'button', isArray: false, label: 'Say hello' },
              sets: { 'c-greeted': true },
            },
          ],
          rows: [
            row('i-ada', { 'c-name': 'Ada', 'c-mail': 'ada@example.com' }),
            row('i-grace', { 'c-name': 'Grace', 'c-mail': 'grace@example.com' }),
          ],
        },
        {
          id: 'table-names',
          name: 'Names',
          pageId: 'canvas-people',
          displayColumnId: 'c-name',
          columns: [{ id: 'c-name', name: 'Name', format: { type: 'text', isArray: false } }],
          viewOf: 'grid-people',
          rows: [],
        },
      ],
    },
  ])
}
