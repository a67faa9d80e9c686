import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type Request, type Response, Router } from 'express'
import * as z from 'zod'
import { CodaReplyError, notFound } from './coda-reply.js'
import { formatPageText } from './page-text.js'
import { parameter, type RouteContext } from './route-context.js'
import { parseBody } from './row-edits.js'

const ExportRequest = z.strictObject({ outputFormat: z.enum(['markdown', 'html']) })

const linkLifeMs = 300_000

interface Export {
  readonly page: string
  readonly at: number
  readonly content: string
  spoiled: boolean
}

/** Exports of pages: the routes of the API, and the storage that download links lead to. */
export interface PageExports {
  readonly api: Router
  /** Mounted outside of the API. Takes no Authorization, as storage with signed links does. */
  readonly storage: Router
}

function sendStorageError(response: Response, status: number, code: string, text: string): void {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${text}</Message></Error>`
  response.status(status).type('application/xml').send(xml)
}

/**
 * Creates exports that are not known at first, take a while, and give links that live five minutes. A
 * second export of a page spoils the first one while that is under way.
 */
export function createPageExports(
  context: Pick<RouteContext, 'pageOf' | 'now' | 'resources'>,
  options: { readonly settleMs: number; readonly unknownMs: number },
): PageExports {
  const { pageOf, now, resources } = context
  const { settleMs, unknownMs } = options
  const exports = new Map<string, Export>()
  const isReady = ({ at }: Export): boolean => now() >= at + settleMs

  function answer(request: Request, id: string, status: string): Record<string, unknown> {
    const path = request.path.replace(/\/export(?:\/.*)?$/, '')
    return { id, status, href: `${resources.base}${path}/export/${id}` }
  }

  const api = Router()
  api.post('/docs/:docId/pages/:page/export', (request, response) => {
    const [doc, page] = pageOf(request)
    if ((page.contentType ?? 'canvas') !== 'canvas') {
      throw new CodaReplyError(400, 'Only canvas pages can be exported.')
    }
    const { outputFormat } = parseBody(ExportRequest, request.body)
    const key = `${doc.id}/${page.id}`
    for (const other of exports.values()) {
      if (other.page === key && !isReady(other)) other.spoiled = true
    }
    const id = randomUUID()
    const content = formatPageText(outputFormat, page.lines)
    exports.set(id, { page: key, at: now(), content, spoiled: false })
    response.status(202).json(answer(request, id, 'inProgress'))
  })
  api.get('/docs/:docId/pages/:page/export/:exportId', (request, response) => {
    const [doc, page] = pageOf(request)
    const id = parameter(request, 'exportId')
    const found = exports.get(id)
    const isUnknown = found === undefined || now() < found.at + unknownMs
    if (isUnknown || found.page !== `${doc.id}/${page.id}`) throw notFound('this export')
    if (found.spoiled) {
      response.json({ ...answer(request, id, 'failed'), error: 'Export was superseded.' })
    } else if (isReady(found)) {
      const link = `http://${request.headers.host}/blobs/DOC_EXPORT_RENDERING/${id}?expires=${now() + linkLifeMs}`
      response.json({ ...answer(request, id, 'complete'), downloadLink: link })
    } else {
      response.json(answer(request, id, 'inProgress'))
    }
  })

  const storage = Router()
  storage.get('/blobs/DOC_EXPORT_RENDERING/:exportId', (request, response) => {
    if (request.headers.authorization !== undefined) {
      sendStorageError(response, 400, 'InvalidArgument', 'Only one auth mechanism allowed')
      return
    }
    const found = exports.get(parameter(request, 'exportId'))
    if (found === undefined || now() > Number(request.query.expires)) {
      sendStorageError(response, 403, 'AccessDenied', 'Request has expired')
      return
    }
    response.set('content-encoding', 'gzip').type('text/plain').send(gzipSync(found.content))
  })
  return { api, storage }
}
