import express, { type Request, type Response } from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { createFrontDoor } from '../src/front-door.js'
import { createHealth } from '../src/health.js'
import { listen } from './support/listen.js'
import { createCleanup } from './support/test-server.js'

const { add, run } = createCleanup()
afterEach(run)

async function start() {
  const door = createFrontDoor(createHealth({ version: '1.2.3', store: 'env' }).router)
  const { origin } = add(await listen(door.listener))
  const app = express()
  app.use((_request: Request, response: Response) => {
    response.send('the app')
  })
  return { door, origin, app }
}

describe('createFrontDoor()', () => {
  it('keeps requests waiting until the app is there', async () => {
    const { door, origin, app } = await start()
    let answered = false
    const pending = fetch(`${origin}/mcp`).then(async (response) => {
      answered = true
      return await response.text()
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    door.open(app)
    expect(await pending).toBe('the app')
    expect(await (await fetch(`${origin}/mcp`)).text()).toBe('the app')
  })

  it('when closed, lives and answers everything else 503, also what came before', async () => {
    const { door, origin, app } = await start()
    const pending = fetch(`${origin}/mcp`, { method: 'POST', body: '{}' })
    door.close()
    const refused = await pending
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2'])
    expect(await refused.json()).toEqual({ error: 'temporarily_unavailable' })
    expect((await fetch(`${origin}/.well-known/oauth-authorization-server`)).status).toBe(503)
    expect((await fetch(`${origin}/health/live`)).status).toBe(200)
    expect((await fetch(`${origin}/health/ready`)).status).toBe(503)
    expect(await (await fetch(`${origin}/health`)).json()).toMatchObject({
      auth: { provider: 'none', oauth_compliant: false },
    })
    door.open(app)
    expect(await (await fetch(`${origin}/mcp`)).text()).toBe('the app')
  })
})
