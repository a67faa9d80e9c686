import express, { type RequestHandler } from 'express'
import {
  type CodaStandIn,
  createCodaStandIn,
  standInPath,
} from '../../src/stand-in/coda-stand-in.js'
import { type Listening, listen } from './listen.js'
import { apiDescriptionMissing, reportViolation, validator } from './stand-in.js'

/** One Coda with several accounts, each with docs of its own under the same ids. */
export interface CodaAccounts {
  readonly baseUrl: string
  /** Every `Authorization` that was sent, in order. */
  readonly credentials: readonly string[]
  /** The texts in the column that names rows, of all tables of an account. */
  rowNamesOf(account: string): readonly string[]
  close(): Promise<void>
}

/** The text that marks everything of an account. */
export function canaryOf(account: string): string {
  return `canary-data-of-${account}`
}

function markDocs({ docs }: CodaStandIn, account: string): void {
  for (const doc of docs) {
    Object.assign(doc, { name: `${doc.name} ${canaryOf(account)}` })
    for (const page of doc.pages) {
      const line = { id: `cl-${page.id}-mark`, style: 'paragraph', content: canaryOf(account) }
      Object.assign(page, { lines: [...page.lines, line] })
    }
    for (const { rows, displayColumnId } of doc.tables) {
      for (const row of rows) row.values = { ...row.values, [displayColumnId]: canaryOf(account) }
    }
  }
}

/**
 * Starts it. `accounts` maps each Coda token to its account; `checked` holds the traffic to the API
 * description.
 */
export async function startCodaAccounts(
  accounts: Readonly<Record<string, string>>,
  { checked }: { readonly checked: boolean },
): Promise<CodaAccounts> {
  const credentials: string[] = []
  const routers = new Map<string, { readonly router: RequestHandler; readonly host: string }>()
  const open: Listening[] = []
  const standIns = new Map<string, CodaStandIn>()
  for (const [token, account] of Object.entries(accounts)) {
    const standIn = createCodaStandIn({ settleMs: 50, acceptsToken: (value) => value === token })
    markDocs(standIn, account)
    standIns.set(account, standIn)
    // Exported pages are downloaded without a token, so each account has storage of its own.
    const storage = await listen(express().use(standIn.router))
    open.push(storage)
    routers.set(`Bearer ${token}`, {
      router: standIn.router,
      host: new URL(storage.origin).host,
    })
  }
  const app = express()
  app.use(express.json())
  if (checked && !apiDescriptionMissing) app.use(validator())
  app.use((request, response, next) => {
    const credential = request.headers.authorization ?? ''
    credentials.push(credential)
    const account = routers.get(credential)
    if (account === undefined) {
      response.status(401).json({ statusCode: 401, statusMessage: 'Unauthorized', message: 'No.' })
      return
    }
    request.headers.host = account.host
    account.router(request, response, next)
  })
  app.use(reportViolation)
  const front = await listen(app)
  open.push(front)
  return {
    baseUrl: `${front.origin}${standInPath}`,
    credentials,
    rowNamesOf: (account) =>
      (standIns.get(account)?.docs ?? []).flatMap(({ tables }) =>
        tables.flatMap(({ rows, displayColumnId }) =>
          rows.map(({ values }) => String(values[displayColumnId])),
        ),
      ),
    close: async () => {
      for (const listening of open) await listening.close()
    },
  }
}
