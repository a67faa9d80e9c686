import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import { CHATGPT_KEYS, CLIENTS } from './support/client-definitions.js'
import { challengeParameter, createMimic, type MimicTokens } from './support/client-mimic.js'
import { type FlowApp, startFlowApp } from './support/flow-app.js'
import { createOutsideNetwork, type OutsideNetwork } from './support/outside-network.js'

let app: FlowApp
let network: OutsideNetwork

beforeAll(async () => {
  const documents = CLIENTS.flatMap(({ registration }) =>
    registration.kind === 'document' ? [registration.document] : [],
  )
  network = await createOutsideNetwork(documents, CHATGPT_KEYS)
  app = await startFlowApp({ parts: network.parts })
}, 180_000)
afterAll(() => app?.close())

/** By night the server is restarted before each step. By day before every fourth one of a client. */
const EVERY = isLongForm ? 1 : 4

// PGlite takes about a second for each start, real PostgreSQL a tenth of one.
describe('clients, with a restart of the server before every step', { timeout: 120_000 }, () => {
  const rows = CLIENTS.map((each, index) => [each.name, each, index] as const)
  it.each(rows)('%s reaches a tool, steps up and refreshes', async (_name, definition, index) => {
    const client = createMimic(app, definition, network)
    // Clients begin at different steps, so that each step comes after a restart with some of them.
    let steps = index
    const step = async <Value>(run: () => Promise<Value>): Promise<Value> => {
      if (steps % EVERY === 0) await app.restart()
      steps += 1
      return run()
    }

    async function authorize(scope: string | undefined): Promise<MimicTokens> {
      let page = await step(() => client.startAuthorization(scope))
      for (const form of ['/login/dev', '/consent']) {
        if (!page.html.includes(form)) continue
        page = await step(() => page.submit(form, form === '/consent' ? {} : { subject: 'ann' }))
      }
      return step(() => client.finishAuthorization(page))
    }

    async function expectTool(tokens: MimicTokens, name: string): Promise<void> {
      const { status, body } = await step(() => client.callTool(tokens, name))
      expect([status, JSON.stringify(body)]).toEqual([200, expect.stringContaining(`${name} by`)])
    }

    await step(client.discover)
    await step(client.register)
    let tokens = await authorize(client.initialScope())
    expect(tokens.scopes).toContain('notes.read')
    expect(tokens.scopes).not.toContain('notes.write')
    // Claude refreshes a second after it was let in.
    tokens = await step(() => client.refresh(tokens))
    await expectTool(tokens, 'read_note')

    const refused = await step(() => client.callTool(tokens, 'write_note'))
    expect(refused.status).toBe(403)
    expect(challengeParameter(refused.headers, 'error')).toBe('insufficient_scope')
    if (definition.stepsUp) {
      const wanted = challengeParameter(refused.headers, 'scope')?.split(' ') ?? []
      tokens = await authorize([...new Set([...tokens.scopes, ...wanted])].join(' '))
      await expectTool(tokens, 'write_note')
    }

    for (let times = 0; times < 2; times += 1) tokens = await step(() => client.refresh(tokens))
    await expectTool(tokens, definition.stepsUp ? 'write_note' : 'read_note')
  })
})
