/** Calls a tool of the server that listens at `origin`, as a client of revision 2025-11-25 does. */
export async function callTool(
  origin: string,
  accessToken: unknown,
  name = 'read_note',
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${origin}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: {} },
    }),
  })
  return { status: response.status, text: await response.text() }
}
