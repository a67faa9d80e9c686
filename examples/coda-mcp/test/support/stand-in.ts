import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import express, { type NextFunction, type Request, type Response } from 'express'
import type OpenApiValidator from 'express-openapi-validator'
import {
  type CodaStandIn,
  type CodaStandInOptions,
  createCodaStandIn,
  type ReceivedRequest,
  standInPath,
} from '../../src/stand-in/coda-stand-in.js'
import { type Listening, listen } from './listen.js'

/** The vendor's API description lies beside the repository, where it is present at all. */
const apiDescription = fileURLToPath(
  new URL('../../../../../shared/coda/openapi-docs-domain.derived.json', import.meta.url),
)
export const apiDescriptionMissing = !existsSync(apiDescription)

/**
 * The description, with the column formats as alternatives instead of exclusive ones: they are told
 * apart by a discriminator, which the validator does not apply inside of answers, so that a plain text
 * column would match eleven of them.
 */
function readApiDescription(): Parameters<typeof OpenApiValidator.middleware>[0]['apiSpec'] {
  const description = JSON.parse(readFileSync(apiDescription, 'utf8'))
  const {
    oneOf,
    discriminator: _discriminator,
    ...rest
  } = description.components.schemas.ColumnFormat
  description.components.schemas.ColumnFormat = { ...rest, anyOf: oneOf }
  return description
}

let compiled: ReturnType<typeof OpenApiValidator.middleware> | undefined

/** The validator of requests and answers, compiled once: that takes longer than most tests. */
export function validator(): ReturnType<typeof OpenApiValidator.middleware> {
  // Loaded by those who need it, for it takes half a second.
  const { middleware }: typeof OpenApiValidator = createRequire(import.meta.url)(
    'express-openapi-validator',
  )
  compiled ??= middleware({
    apiSpec: readApiDescription(),
    validateRequests: { allowUnknownQueryParameters: false },
    validateResponses: true,
    validateSecurity: true,
  })
  return compiled
}

export interface RunningStandIn extends CodaStandIn {
  readonly baseUrl: string
  /** Requests so far. */
  readonly received: readonly ReceivedRequest[]
  close(): Promise<void>
}

export function reportViolation(
  error: { status?: number; message?: string },
  _request: Request,
  response: Response,
  _next: NextFunction,
): void {
  // 599 is never an answer of Coda, so that a violation cannot pass for one.
  const status = error.status === 401 ? 401 : 599
  response
    .status(status)
    .json({ statusCode: status, statusMessage: 'Violation', message: error.message })
}

/** Starts a stand-in; `checked` puts the validator of the API description around it. */
export async function startStandIn(
  options: CodaStandInOptions & { readonly checked?: boolean } = {},
): Promise<RunningStandIn> {
  const { checked = false, ...rest } = options
  const received: ReceivedRequest[] = []
  const standIn = createCodaStandIn({
    ...rest,
    onRequest: (request) => {
      received.push(request)
      rest.onRequest?.(request)
    },
  })
  const app = express()
  if (checked) {
    app.use(express.json({ limit: '2mb' }))
    app.use(validator())
  }
  app.use(standIn.router)
  app.use(reportViolation)
  const listening: Listening = await listen(app)
  return {
    ...standIn,
    baseUrl: `${listening.origin}${standInPath}`,
    received,
    close: listening.close,
  }
}
