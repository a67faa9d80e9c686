import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { errorBody } from './coda-reply.js'

/** How the next request goes wrong. */
type Fault =
  | {
      readonly kind: 'status'
      readonly status: number
      readonly retryAfter?: string
      readonly message?: string
    }
  /** 200 with something that is not JSON. */
  | { readonly kind: 'html' }
  /** 200 with JSON of another shape. */
  | { readonly kind: 'shape'; readonly body: unknown }
  /** A redirect to another place. */
  | { readonly kind: 'redirect'; readonly location: string }
  /** No answer at all. */
  | { readonly kind: 'hang' }
  /** Headers, the begin of a body, then nothing. */
  | { readonly kind: 'stall' }
  /** The connection breaks after the request was handled. */
  | { readonly kind: 'reset' }
  /** An endless body. */
  | { readonly kind: 'flood' }

/** Faults waiting for requests, first in, first out. */
export interface Faults {
  /** Lets the next `times` requests fail. Default once. */
  next(fault: Fault, times?: number): void
  readonly middleware: RequestHandler
}

function flood(response: Response): void {
  const chunk = Buffer.alloc(65_536, ' ')
  const write = (): void => {
    while (!response.destroyed && response.write(chunk)) {
      // Written until the socket is full; "drain" goes on.
    }
  }
  response.on('drain', write).on('error', () => response.destroy())
  write()
}

function fail(fault: Fault, request: Request, response: Response): void {
  switch (fault.kind) {
    case 'status':
      if (fault.retryAfter !== undefined) response.set('retry-after', fault.retryAfter)
      response
        .status(fault.status)
        .json(errorBody(fault.status, fault.message ?? 'This failure was asked for.'))
      break
    case 'html':
      response.type('html').send('<!doctype html><title>Welcome</title>')
      break
    case 'shape':
      response.json(fault.body)
      break
    case 'redirect':
      response.redirect(302, fault.location)
      break
    case 'hang':
      break
    case 'stall':
      response.type('json').write('{')
      break
    case 'reset':
      request.socket.destroy()
      break
    case 'flood':
      flood(response.type('json'))
      break
  }
}

/** Creates the switch that makes a stand-in fail. */
export function createFaults(): Faults {
  const waiting: Fault[] = []
  return {
    next(fault, times = 1) {
      for (let index = 0; index < times; index += 1) waiting.push(fault)
    },
    middleware: (request: Request, response: Response, next: NextFunction): void => {
      const fault = waiting.shift()
      if (fault === undefined) next()
      else fail(fault, request, response)
    },
  }
}
