import type {
  SampleColumn,
  SampleDoc,
  SampleFolder,
  SamplePage,
  SampleRow,
  SampleTable,
} from './sample-data.js'

/** Builds the documents that Coda's API answers with. */
export interface Resources {
  readonly base: string
  user(): Record<string, unknown>
  doc(doc: SampleDoc): Record<string, unknown>
  folder(folder: SampleFolder): Record<string, unknown>
  page(doc: SampleDoc, page: SamplePage): Record<string, unknown>
  pageReference(doc: SampleDoc, id: string): Record<string, unknown>
  tableReference(doc: SampleDoc, table: SampleTable): Record<string, unknown>
  table(doc: SampleDoc, table: SampleTable): Record<string, unknown>
  column(doc: SampleDoc, table: SampleTable, column: SampleColumn): Record<string, unknown>
  row(
    doc: SampleDoc,
    table: SampleTable,
    row: SampleRow,
    format: { readonly useColumnNames: boolean; readonly valueFormat: string },
  ): Record<string, unknown>
}

const web = 'https://coda.io'
const createdAt = '2026-01-12T09:00:00.000Z'
const owner = 'sample@example.com'

function formatValue(value: SampleRow['values'][string] | undefined, valueFormat: string): unknown {
  if (value === undefined) return ''
  if (valueFormat === 'simple' && typeof value === 'object') return value.join(',')
  if (valueFormat === 'rich' && typeof value === 'string') return `\`\`\`${value}\`\`\``
  return value
}

/** Creates the builder; `base` is the URL of the API in links. */
export function createResources(base: string): Resources {
  const workspace = {
    id: 'ws-sample',
    type: 'workspace',
    browserLink: `${web}/docs?workspaceId=ws-sample`,
  }
  const folderReference = (id: string): Record<string, unknown> => ({
    id,
    type: 'folder',
    browserLink: `${web}/docs?folderId=${id}`,
  })
  const icon = (name: string): Record<string, unknown> => ({
    name,
    type: 'image/png',
    browserLink: `${web}/icons/${encodeURIComponent(name)}.png`,
  })
  const docLink = (doc: SampleDoc): string => `${web}/d/${encodeURIComponent(doc.name)}_d${doc.id}`
  const docHref = (doc: SampleDoc): string => `${base}/docs/${doc.id}`
  const tableHref = (doc: SampleDoc, table: SampleTable): string =>
    `${docHref(doc)}/tables/${table.id}`

  function pageReference(doc: SampleDoc, id: string): Record<string, unknown> {
    return {
      id,
      type: 'page',
      name: doc.pages.find((page) => page.id === id)?.name ?? id,
      href: `${docHref(doc)}/pages/${id}`,
      browserLink: `${docLink(doc)}/_s${id}`,
    }
  }

  function tableReference(doc: SampleDoc, table: SampleTable): Record<string, unknown> {
    return {
      id: table.id,
      type: 'table',
      tableType: table.viewOf === undefined ? 'table' : 'view',
      name: table.name,
      href: tableHref(doc, table),
      browserLink: `${docLink(doc)}#${table.id}`,
      parent: pageReference(doc, table.pageId),
    }
  }

  function parentTable(doc: SampleDoc, table: SampleTable): Record<string, unknown> {
    const base = doc.tables.find(({ id }) => id === table.viewOf)
    return base === undefined ? {} : { parentTable: tableReference(doc, base) }
  }

  return {
    base,
    user: () => ({
      name: 'Sample Person',
      loginId: owner,
      type: 'user',
      scoped: false,
      tokenName: 'Sample token',
      href: `${base}/whoami`,
      workspace,
    }),
    doc: (doc) => ({
      id: doc.id,
      type: 'doc',
      name: doc.name,
      href: docHref(doc),
      browserLink: docLink(doc),
      owner,
      ownerName: 'Sample Person',
      createdAt,
      updatedAt: createdAt,
      workspace,
      folder: folderReference(doc.folderId ?? 'fl-sample'),
      workspaceId: workspace.id,
      folderId: doc.folderId ?? 'fl-sample',
      ...(doc.iconName === undefined ? {} : { icon: icon(doc.iconName) }),
      ...(doc.published === undefined ? {} : { published: doc.published }),
      docSize: {
        totalRowCount: doc.tables.reduce((sum, table) => sum + table.rows.length, 0),
        tableAndViewCount: doc.tables.length,
        pageCount: doc.pages.length,
        overApiSizeLimit: false,
      },
    }),
    folder: ({ id, name, description, canEdit }) => ({
      ...folderReference(id),
      name,
      ...(description === undefined ? {} : { description }),
      canEdit,
      createdAt,
      workspace,
    }),
    page: (doc, page) => ({
      ...pageReference(doc, page.id),
      ...(page.subtitle === undefined ? {} : { subtitle: page.subtitle }),
      ...(page.iconName === undefined ? {} : { icon: icon(page.iconName) }),
      ...(page.imageUrl === undefined ? {} : { image: { browserLink: page.imageUrl } }),
      contentType: page.contentType ?? 'canvas',
      isHidden: page.isHidden ?? false,
      isEffectivelyHidden: page.isHidden ?? false,
      ...(page.parentId === undefined ? {} : { parent: pageReference(doc, page.parentId) }),
      children: doc.pages
        .filter(({ parentId }) => parentId === page.id)
        .map(({ id }) => pageReference(doc, id)),
      createdAt,
      updatedAt: page.updatedAt ?? createdAt,
    }),
    pageReference,
    tableReference,
    table: (doc, table) => ({
      ...tableReference(doc, table),
      ...parentTable(doc, table),
      displayColumn: {
        id: table.displayColumnId,
        type: 'column',
        href: `${tableHref(doc, table)}/columns/${table.displayColumnId}`,
      },
      rowCount: table.rows.length,
      sorts: [],
      layout: table.viewOf === undefined ? 'default' : 'detail',
      createdAt,
      updatedAt: createdAt,
      viewId: `table-${table.id}`,
    }),
    column: (doc, table, column) => ({
      id: column.id,
      type: 'column',
      name: column.name,
      href: `${tableHref(doc, table)}/columns/${column.id}`,
      display: column.id === table.displayColumnId,
      ...(column.calculated === undefined ? {} : { calculated: column.calculated }),
      format: column.format,
    }),
    row: (doc, table, row, { useColumnNames, valueFormat }) => ({
      id: row.id,
      type: 'row',
      href: `${tableHref(doc, table)}/rows/${row.id}`,
      name: String(row.values[table.displayColumnId] ?? ''),
      index: table.rows.indexOf(row),
      browserLink: `${docLink(doc)}#${table.id}/_r${row.id}`,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
      values: Object.fromEntries(
        table.columns.map((column) => [
          useColumnNames ? column.name : column.id,
          formatValue(row.values[column.id], valueFormat),
        ]),
      ),
    }),
  }
}
