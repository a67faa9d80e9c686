import { afterEach, describe, expect, it } from 'vitest'
import { apiDescriptionMissing, type RunningStandIn, startStandIn } from './support/stand-in.js'

const open: RunningStandIn[] = []

async function start(): Promise<RunningStandIn> {
  const standIn = await startStandIn({ checked: true })
  open.push(standIn)
  return standIn
}

afterEach(async () => {
  for (const standIn of open.splice(0)) await standIn.close()
})

async function ask(standIn: RunningStandIn, path: string): Promise<[number, string]> {
  const headers = { authorization: 'Bearer some-token' }
  const response = await fetch(`${standIn.baseUrl}${path}`, { headers })
  return [response.status, await response.text()]
}

// Each of these would make every other test pass for the wrong reason.
describe.skipIf(apiDescriptionMissing)('startStandIn({ checked: true })', () => {
  it('answers what is documented', async () => {
    expect((await ask(await start(), '/docs?limit=1'))[0]).toBe(200)
  })

  it('reports a request that is not documented, also on a second stand-in', async () => {
    for (const path of ['/docs?bogus=1', '/docs?limit=0', '/docs/SampleDoc1/acl/nothing']) {
      const [status, text] = await ask(await start(), path)
      expect([path, status]).toEqual([path, 599])
      expect(text).toContain('Violation')
    }
  })

  it('reports an answer of its own that is not documented', async () => {
    const standIn = await start()
    const [doc] = standIn.docs
    if (doc === undefined) throw new Error('no sample doc')
    Object.assign(doc, { name: 7 })
    const [status, text] = await ask(standIn, '/docs')
    expect(status).toBe(599)
    expect(text).toContain('name')
  })

  it('lets nobody in without a token', async () => {
    const response = await fetch(`${(await start()).baseUrl}/whoami`)
    expect(response.status).toBe(401)
  })
})
