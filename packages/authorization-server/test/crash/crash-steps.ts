import type { NextFunction, Request, Response } from 'express'
import pg from 'pg'
import type { PgPool, PgPoolClient } from '../../../store-postgres/src/database/pg-pool.js'
import {
  type CrashPlan,
  createCrashPoints,
} from '../../../store-postgres/test/crash/crash-points.js'

/** Counts the awaits in each kind of request, and ends the process at the planned one. */
export interface CrashSteps {
  readonly passed: ReadonlyMap<string, number>
  begin(): void
  /** Runs an await of the request that is not one of the storage between two points. */
  around<Value>(name: string, run: () => Value | Promise<Value>): Promise<Value>
  createPool(connectionString: string): pg.Pool & PgPool
  /** Notes which request is answered. Requests come one after the other. */
  middleware(request: Request, response: Response, next: NextFunction): void
}

/** Names what a request is for, beside its path. */
export const STEP_HEADER = 'x-crash-step'

// Reads of the replica itself, not of a request.
const BACKGROUND = /revocations|notify/

/** Kind of a request, the same for each interaction. The driver says what a token request is for. */
function stepOf({ method, path, headers }: Pick<Request, 'method' | 'path' | 'headers'>): string {
  const place = path
    .replace(/^\/oauth\//, '')
    .replace(/^interaction\/[\w-]+/, 'interaction')
    .replace(/^authorize\/[\w-]+/, 'authorize/resume')
  return [method, place, headers[STEP_HEADER]].filter(Boolean).join(' ')
}

export function createCrashSteps({ plan }: { readonly plan?: CrashPlan | undefined }): CrashSteps {
  const points = createCrashPoints(plan)
  let step = ''

  function around(client: PgPoolClient): void {
    const query = client.query.bind(client)
    let last = ''
    client.query = (config, callback) => {
      const [verb = ''] = config.text.split(/[\s;]/, 1)
      const name = config.name?.replace(/^mcp_auth_|_[0-9a-f]{12}$/g, '')
      if (step === '' || BACKGROUND.test(name ?? '')) {
        query(config, callback)
        return
      }
      const point = `${step}: ${name ?? (verb === 'COMMIT' ? `COMMIT of ${last}` : verb)}`
      last = name ?? ''
      points.pass(`before ${point}`)
      query(config, (error, result) => {
        points.pass(`after ${point}`)
        callback(error, result)
      })
    }
  }

  return {
    passed: points.passed,
    begin: points.begin,
    around: (name, run) => points.around(`${step}: ${name}`, run),
    createPool(connectionString) {
      const pool = new pg.Pool({
        connectionString,
        max: 3,
        application_name: 'crash-replica',
        pipeline: true,
      })
      pool.on('connect', around)
      return pool
    },
    middleware(request, response, next) {
      step = stepOf(request)
      response.once('close', () => {
        step = ''
      })
      next()
    },
  }
}
