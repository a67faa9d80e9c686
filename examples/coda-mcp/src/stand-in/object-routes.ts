import { type Request, Router } from 'express'
import { CodaReplyError, notFound } from './coda-reply.js'
import { byIdOrName, parameter, type RouteContext } from './route-context.js'
import { findRow } from './row-edits.js'
import type { SampleColumn, SampleDoc } from './sample-data.js'
import { sampleObjectsOf } from './sample-objects.js'

type Kind = 'formula' | 'control'

interface Named {
  readonly id: string
  readonly name: string
  readonly pageId: string
}

function sortedBy<Item extends Named>(
  items: readonly Item[],
  sortBy: string | undefined,
): readonly Item[] {
  return sortBy === 'name' ? items.toSorted((a, b) => a.name.localeCompare(b.name)) : items
}

/** Routes of single columns, buttons, formulas, controls and automations. */
export function createObjectRoutes(context: RouteContext): Router {
  const { resources, now, docOf, tableOf, sendList, accept } = context
  const router = Router()

  function reference(doc: SampleDoc, kind: Kind, { id, name, pageId }: Named): object {
    const page = doc.pages.find((candidate) => candidate.id === pageId)
    return {
      id,
      type: kind,
      name,
      href: `${resources.base}/docs/${doc.id}/${kind}s/${id}`,
      ...(page === undefined ? {} : { parent: resources.pageReference(doc, page.id) }),
    }
  }
  function columnOf(request: Request, columns: readonly SampleColumn[]): SampleColumn {
    return byIdOrName(columns, parameter(request, 'column'), 'column')
  }

  router.get('/docs/:docId/tables/:table/columns/:column', (request, response) => {
    const [doc, table] = tableOf(request)
    const column = resources.column(doc, table, columnOf(request, table.columns))
    response.json({ ...column, parent: resources.tableReference(doc, table) })
  })

  router.post('/docs/:docId/tables/:table/rows/:row/buttons/:column', (request, response) => {
    const [, table] = tableOf(request)
    const row = findRow(table, parameter(request, 'row'))
    const { id, sets } = columnOf(request, table.columns)
    if (sets === undefined) throw new CodaReplyError(400, `Column ${id} is not a button.`)
    accept(response, {
      apply: () => {
        row.values = { ...row.values, ...sets }
        row.updatedAt = new Date(now()).toISOString()
      },
      answer: { rowId: row.id, columnId: id },
    })
  })

  router.get('/docs/:docId/formulas', (request, response) => {
    const doc = docOf(request)
    sendList(request, response, ({ sortBy }) =>
      sortedBy(sampleObjectsOf(doc.id).formulas, sortBy).map((formula) =>
        reference(doc, 'formula', formula),
      ),
    )
  })
  router.get('/docs/:docId/formulas/:formula', (request, response) => {
    const doc = docOf(request)
    const { formulas } = sampleObjectsOf(doc.id)
    const formula = byIdOrName(formulas, parameter(request, 'formula'), 'formula')
    response.json({ ...reference(doc, 'formula', formula), value: formula.value })
  })

  router.get('/docs/:docId/controls', (request, response) => {
    const doc = docOf(request)
    sendList(request, response, ({ sortBy }) =>
      sortedBy(sampleObjectsOf(doc.id).controls, sortBy).map((control) =>
        reference(doc, 'control', control),
      ),
    )
  })
  router.get('/docs/:docId/controls/:control', (request, response) => {
    const doc = docOf(request)
    const { controls } = sampleObjectsOf(doc.id)
    const control = byIdOrName(controls, parameter(request, 'control'), 'control')
    const { controlType, value } = control
    response.json({ ...reference(doc, 'control', control), controlType, value })
  })

  router.post('/docs/:docId/hooks/automation/:rule', (request, response) => {
    const { automations } = sampleObjectsOf(docOf(request).id)
    const rule = automations.find(({ id }) => id === parameter(request, 'rule'))
    if (rule === undefined) throw notFound('this automation')
    if (rule.trigger !== 'webhook') {
      throw new CodaReplyError(422, 'The automation is not triggered by a webhook.')
    }
    accept(response, { apply: () => {}, answer: {} })
  })
  return router
}
