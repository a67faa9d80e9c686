import { type Html, type HtmlValue, html } from './html.js'

/** A table, by columns. */
export interface DataTable<Row> {
  /** Id of the heading that names it. */
  readonly labelledBy: string
  readonly columns: readonly {
    readonly label: Html
    readonly cell: (row: Row) => HtmlValue
  }[]
  readonly rows: readonly Row[]
}

/**
 * Writes a table that becomes a list of cards on a phone. The roles are said again, since browsers drop
 * them from a table that is not displayed as one.
 */
export function renderTable<Row>({ labelledBy, columns, rows }: DataTable<Row>): Html {
  const head = columns.map(({ label }) => html`<th scope="col" role="columnheader">${label}</th>`)
  const body = rows.map((row) => {
    const cells = columns.map(
      ({ label, cell }) =>
        html`<td role="cell"><span class="column" aria-hidden="true">${label}</span><div>${cell(row)}</div></td>`,
    )
    return html`<tr role="row">${cells}</tr>`
  })
  return html`
    <table role="table" aria-labelledby="${labelledBy}">
      <thead role="rowgroup"><tr role="row">${head}</tr></thead>
      <tbody role="rowgroup">${body}</tbody>
    </table>
  `
}
