import type { McpAuth } from '../../src/create-mcp-auth.js'
import { createFetchHandler } from './fetch-handler.js'
import { createRecorder, createScenarioAuth, type Scenario, takeRecording } from './scenario.js'

/*
 * The Workers host. Tests set it up by POST /__control, which the guard never sees; a worker has no
 * other way to be told about validators, since it cannot be given functions.
 */

const recorder = createRecorder()
let auth: McpAuth | undefined

async function control(request: Request): Promise<Response> {
  const command = (await request.json()) as {
    readonly scenario?: Scenario
    readonly revoke?: string
  }
  if (command.scenario !== undefined) {
    recorder.revoked.clear()
    takeRecording(recorder)
    auth = createScenarioAuth(command.scenario, recorder)
  }
  if (command.revoke !== undefined) recorder.revoked.add(command.revoke)
  return Response.json(takeRecording(recorder))
}

// The form that the Workers runtime asks for.
export default {
  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === '/__control') return control(request)
    if (auth === undefined) return new Response('no scenario', { status: 599 })
    return auth.fetch(request, createFetchHandler(auth, recorder))
  },
}
