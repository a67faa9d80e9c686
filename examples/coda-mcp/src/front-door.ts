import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import express, { type Express, type Request, type Response, type Router } from 'express'

/** What answers the requests of the server, from the first one on. */
export interface FrontDoor {
  readonly listener: RequestListener
  /** From now on, the app answers, also what came before. */
  open(app: Express): void
  /** The app is not there for a while: its health is shown, and everything else is answered 503. */
  close(): void
}

/**
 * Creates what answers until the app is there. At first requests wait, which takes as long as the start
 * takes; once it is closed a server whose database is not there yet is seen to live, and no client is
 * told that its token is bad.
 */
export function createFrontDoor(health: Router): FrontDoor {
  let answering: Express | undefined
  const held: (readonly [IncomingMessage, ServerResponse])[] = []

  function answerWith(app: Express): void {
    answering = app
    for (const [request, response] of held.splice(0)) app(request, response)
  }

  return {
    listener: (request, response) => {
      if (answering === undefined) held.push([request, response])
      else answering(request, response)
    },
    open: answerWith,
    close: () => {
      const closed = express()
      closed.disable('x-powered-by')
      closed.use(health)
      closed.use((_request: Request, response: Response) => {
        response
          .status(503)
          .set({ 'retry-after': '2', 'cache-control': 'no-store' })
          .json({ error: 'temporarily_unavailable' })
      })
      answerWith(closed)
    },
  }
}
