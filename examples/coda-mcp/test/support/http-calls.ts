/** One JSON-RPC request by plain HTTP, as a program without an SDK sends it. */
export async function post(
  url: string,
  method: string,
  options: {
    readonly token?: string | undefined
    readonly params?: unknown
    readonly headers?: Record<string, string>
  } = {},
): Promise<Response> {
  return await fetch(url, {
    method: 'POST',
    headers: {
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...options.headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: options.params }),
  })
}

/** Calls a tool by plain HTTP. */
export async function callTool(
  url: string,
  token: string | undefined,
  name: string,
  input: Record<string, unknown> = {},
): Promise<Response> {
  return await post(url, 'tools/call', { token, params: { name, arguments: input } })
}

/** The Bearer challenge of a refusal; every parameter occurs once, or this throws. */
export function challengeOf(response: Response): Record<string, string> {
  const header = response.headers.get('www-authenticate') ?? ''
  if (!header.startsWith('Bearer ')) throw new Error(`no Bearer challenge: ${header}`)
  const parameters: Record<string, string> = {}
  for (const [, name = '', value = ''] of header.matchAll(/([a-z_]+)="([^"]*)"/g)) {
    if (name in parameters) throw new Error(`${name} is repeated: ${header}`)
    parameters[name] = value
  }
  return parameters
}

/** Input of `coda_upsert_rows` that changes a row of the sample docs. */
export const sampleUpsert = {
  docId: 'SampleDoc1',
  tableIdOrName: 'Tasks',
  rows: [{ cells: [{ column: 'Task', value: 'Pack the badges' }] }],
  keyColumns: ['Task'],
}
