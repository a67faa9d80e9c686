/** What a request says, as far as is needed before it is answered. */
export interface Messages {
  /** At least 1: a batch has several. */
  readonly count: number
  /** The tool that it calls, when that is all it does. */
  readonly tool: string | undefined
}

function toolOf(message: unknown): string | undefined {
  const { method, params }: { method?: unknown; params?: unknown } = Object(message)
  if (method !== 'tools/call') return undefined
  const { name }: { name?: unknown } = Object(params)
  return typeof name === 'string' ? name : undefined
}

/** Reads what a parsed body says; of one that is no JSON-RPC that is nothing. */
export function readMessages(body: unknown): Messages {
  if (Array.isArray(body)) return { count: Math.max(1, body.length), tool: undefined }
  return { count: 1, tool: toolOf(body) }
}

/** The JSON of a request, whose body stays unread. What is wrong with it is for others to refuse. */
export async function parseBody(request: Request, parsedBody: unknown): Promise<unknown> {
  if (parsedBody !== undefined || request.method !== 'POST') return parsedBody
  try {
    return await request.clone().json()
  } catch {
    return undefined
  }
}
