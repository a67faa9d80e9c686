import { createFakeClock, type FakeClock } from './fake-clock.js'
import {
  type CallResult,
  codaToken,
  connect,
  type RunningApp,
  type SdkVersion,
  sdkVersions,
  startApp,
} from './mcp.js'
import { apiDescriptionMissing, type RunningStandIn, startStandIn } from './stand-in.js'

/** A client of the server whose Coda is the stand-in, held against the API description. */
export interface ToolClient {
  readonly clock: FakeClock
  readonly standIn: RunningStandIn
  readonly app: RunningApp
  /** Calls a tool that has to succeed. */
  ok(name: string, input?: Record<string, unknown>): Promise<CallResult>
  /** Calls a tool that has to fail, and counts the requests to Coda that this took. */
  fails(
    name: string,
    input?: Record<string, unknown>,
  ): Promise<CallResult & { readonly requests: number }>
  /** Requests to Coda during `work`, as method and path. */
  requestsOf(work: () => Promise<unknown>): Promise<string[]>
  close(): Promise<void>
}

export async function openToolClient(
  options: Parameters<typeof startStandIn>[0] = {},
  version: SdkVersion = sdkVersions[2],
): Promise<ToolClient> {
  const clock = createFakeClock()
  const standIn = await startStandIn({
    checked: !apiDescriptionMissing,
    now: clock.now,
    acceptsToken: (token) => token === codaToken,
    ...options,
  })
  const app = await startApp({ codaBaseUrl: standIn.baseUrl, clock })
  const client = await connect(app.origin, version)
  return {
    clock,
    standIn,
    app,
    ok: async (name, input) => {
      const result = await client.call(name, input)
      if (result.isError) throw new Error(result.text)
      return result
    },
    fails: async (name, input) => {
      const before = standIn.received.length
      const result = await client.call(name, input)
      if (!result.isError) throw new Error(`${name} did not fail: ${result.text}`)
      return { ...result, requests: standIn.received.length - before }
    },
    requestsOf: async (work) => {
      const before = standIn.received.length
      await work()
      return standIn.received.slice(before).map(({ method, url }) => `${method} ${url}`)
    },
    close: async () => {
      await client.close()
      await app.close()
      await standIn.close()
    },
  }
}
