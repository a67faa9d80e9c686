import * as z from 'zod'

// What Grafana needs of a dashboard in its classic JSON model, and nothing that it would drop in silence.

/** The data source that the reader chooses, so that the file has no id of one installation. */
const Datasource = z.strictObject({
  type: z.literal('prometheus'),
  uid: z.templateLiteral(['$', '{datasource}']),
})

const GridPos = z
  .strictObject({
    x: z.int().min(0).max(23),
    y: z.int().min(0),
    w: z.int().min(1).max(24),
    h: z.int().min(1),
  })
  .refine(({ x, w }) => x + w <= 24, 'is wider than the 24 columns')

const Target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource: Datasource,
  expr: z.string().min(1),
  legendFormat: z.string().min(1),
})

const FieldConfig = z.strictObject({
  defaults: z.strictObject({
    // Ids of Grafana's units; it shows one that it does not know as text behind each number.
    unit: z.enum(['none', 'short', 'percentunit', 'reqps', 'ops', 's', 'bytes']),
    min: z.number(),
  }),
  overrides: z.array(z.never()),
})

const shared = {
  id: z.int().min(1),
  title: z.string().min(1),
  description: z.string().min(1).optional(),
  datasource: Datasource,
  gridPos: GridPos,
  fieldConfig: FieldConfig,
  targets: z
    .array(Target)
    .min(1)
    .refine(
      (targets) => new Set(targets.map(({ refId }) => refId)).size === targets.length,
      'has a refId twice',
    ),
}

const Row = z.strictObject({
  id: z.int().min(1),
  type: z.literal('row'),
  title: z.string().min(1),
  // Panels of a collapsed row are in the row, and here all are beside it.
  collapsed: z.literal(false),
  panels: z.array(z.never()),
  gridPos: GridPos,
})

const Stat = z.strictObject({
  ...shared,
  type: z.literal('stat'),
  options: z.strictObject({
    reduceOptions: z.strictObject({
      calcs: z.tuple([z.literal('lastNotNull')]),
      fields: z.literal(''),
      values: z.literal(false),
    }),
  }),
})

const TimeSeries = z.strictObject({
  ...shared,
  type: z.literal('timeseries'),
  options: z.strictObject({
    legend: z.strictObject({
      displayMode: z.enum(['list', 'table', 'hidden']),
      placement: z.enum(['bottom', 'right']),
      showLegend: z.boolean(),
    }),
    tooltip: z.strictObject({
      mode: z.enum(['single', 'multi', 'none']),
      sort: z.enum(['none', 'asc', 'desc']),
    }),
  }),
})

const DatasourceVariable = z.strictObject({
  name: z.literal('datasource'),
  label: z.string().min(1),
  type: z.literal('datasource'),
  query: z.literal('prometheus'),
  current: z.strictObject({}),
  hide: z.literal(0),
})

const QueryVariable = z
  .strictObject({
    name: z.string().regex(/^[a-z]\w*$/),
    label: z.string().min(1),
    type: z.literal('query'),
    datasource: Datasource,
    query: z.strictObject({ query: z.string().min(1), refId: z.string().min(1) }),
    definition: z.string().min(1),
    includeAll: z.boolean(),
    allValue: z.string().min(1),
    multi: z.boolean(),
    current: z.strictObject({ text: z.literal('All'), value: z.literal('$__all') }),
    refresh: z.literal([1, 2]),
    sort: z.int().min(0).max(8),
    hide: z.literal(0),
  })
  .refine(({ query, definition }) => query.query === definition, 'differs from its definition')

type Panel = z.infer<typeof Row> | z.infer<typeof Stat> | z.infer<typeof TimeSeries>

/** Pairs of panels that lie on each other: Grafana would move one of them. */
function overlapping(panels: readonly Panel[]): string[] {
  const cells = new Map<string, string>()
  const problems = new Set<string>()
  for (const { title, gridPos } of panels) {
    for (let column = gridPos.x; column < gridPos.x + gridPos.w; column++) {
      for (let row = gridPos.y; row < gridPos.y + gridPos.h; row++) {
        const other = cells.get(`${column} ${row}`)
        if (other !== undefined) problems.add(`${title} lies on ${other}`)
        cells.set(`${column} ${row}`, title)
      }
    }
  }
  return [...problems]
}

/** Variables that queries use; those that begin with `__` are Grafana's. */
function usedVariables(text: string): Set<string> {
  const named = [...text.matchAll(/\$\{?(\w+)\}?/g)].map(([, name = '']) => name)
  return new Set(named.filter((name) => !name.startsWith('__')))
}

/** The dashboard, and everything that Grafana would show wrongly about it. */
export const Dashboard = z
  .strictObject({
    uid: z.string().regex(/^[\w-]{1,40}$/),
    title: z.string().min(1),
    tags: z.array(z.string().min(1)),
    timezone: z.enum(['browser', 'utc']),
    // What Grafana 10.0 and newer write; older ones are migrated when they are read.
    schemaVersion: z.int().min(37).max(42),
    version: z.int().min(1),
    editable: z.boolean(),
    refresh: z.string().regex(/^\d+[smh]$/),
    time: z.strictObject({ from: z.string().regex(/^now-\d+[smhd]$/), to: z.literal('now') }),
    templating: z.strictObject({
      list: z.tuple([DatasourceVariable]).rest(QueryVariable),
    }),
    annotations: z.strictObject({ list: z.array(z.never()) }),
    links: z.array(z.never()),
    panels: z.array(z.discriminatedUnion('type', [Row, Stat, TimeSeries])).min(1),
  })
  .superRefine(({ panels, templating }, context) => {
    const say = (message: string) => context.addIssue({ code: 'custom', message })
    const ids = panels.map(({ id }) => id)
    const twice = ids.find((id, index) => ids.indexOf(id) !== index)
    if (twice !== undefined) say(`two panels have the id ${twice}`)
    for (const problem of overlapping(panels)) say(problem)
    const defined = new Set<string>(templating.list.map(({ name }) => name))
    const used = usedVariables(JSON.stringify({ panels, list: templating.list }))
    for (const name of used) if (!defined.has(name)) say(`no variable is called ${name}`)
    for (const name of defined) if (!used.has(name)) say(`nothing uses the variable ${name}`)
  })
